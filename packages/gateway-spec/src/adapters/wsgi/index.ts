/**
 * `wsgi`: the classic form, `application(environ, startResponse)`, word for word by PEP 3333.
 *
 * There is no way round from ours to WSGI: its server calls and has the answer when the call returns, which a handler that
 * awaits anything cannot give, and JavaScript has no such server to run on.
 */
import { readBytes, type ReadOptions } from "../../body.ts";
import type { Application, HeaderFields, OutgoingResponse } from "../../index.ts";
import { type Environ, type ErrorSink, toEnviron } from "./environ.ts";

export { type Environ, type ErrorStream, InputStream } from "./environ.ts";

/** A bytestring of a body. A string is sent as UTF-8. */
export type Bytes = Uint8Array | string;

/** An error, or Python's triple of its class, itself and its trace. */
export type ExcInfo = Error | readonly [type: unknown, value: Error, traceback: unknown];

/**
 * @param status such as `200 OK`; the phrase is for readers of the program, no client gets it.
 * @param excInfo the error for whose page the head is replaced; thrown again where the head has been sent.
 * @returns `write`, for programs that cannot return an iterable.
 */
export type StartResponse = (
  status: string,
  headers: readonly (readonly [string, string])[],
  excInfo?: ExcInfo | null,
) => (data: Bytes) => void;

export interface WsgiResponse extends Iterable<Bytes> {
  /** Called once, when the response is over, whether it was sent in full or not. */
  close?(): void;
}

export type WsgiApplication = (environ: Environ, startResponse: StartResponse) => WsgiResponse;

export interface WsgiOptions extends ReadOptions {
  /** Where `wsgi.errors` goes. Default: the standard error stream. */
  readonly writeError?: ErrorSink;
}

/**
 * Runs a WSGI application on any TSGI server.
 *
 * ```ts
 * import { wsgi } from "@tsgi/gateway-spec/wsgi";
 *
 * export const application = wsgi((environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
 *   return [`${environ.REQUEST_METHOD} ${environ.PATH_INFO}\n`];
 * });
 * ```
 *
 * The content is read before the call, up to `limitBytes` (default 1 MiB; beyond it 413), for `wsgi.input` cannot wait. The
 * iterable is asked for its next piece when the client has taken the last. What `write` is given is kept until the call returns.
 */
export function wsgi(application: WsgiApplication, options: WsgiOptions = {}): Application {
  const writeError = options.writeError ?? ((text) => void process.stderr.write(text));
  return {
    fetch: async (request, exchange) => {
      const content = await readBytes(request, options);
      return run(application, toEnviron(request, exchange, content, writeError));
    },
  };
}

function run(application: WsgiApplication, environ: Environ): OutgoingResponse {
  const head = new Head();
  const response: unknown = application(environ, head.startResponse);
  if (!isWsgiResponse(response)) {
    throw new TypeError(
      "A WSGI application must return an iterable of bytestrings, such as a list; not a string or bytes",
    );
  }
  const body = new WsgiBody(response, head.written);
  try {
    // The head is not final before there is something to send: startResponse may be called, or called again, until then.
    const first = body.step();
    const { status, fields } = head.send();
    if (status === 204 || status === 304) {
      body.close();
      return { status, headers: fields };
    }
    if (first === null) {
      body.close();
      return { status, headers: fields, body: null };
    }
    body.unstep(first);
    const whole = body.whole();
    return { status, headers: fields, body: whole ?? body };
  } catch (error) {
    body.close();
    throw error;
  }
}

/** What startResponse was told, by the rules of PEP 3333, "The start_response() Callable". */
class Head {
  /** What `write` was given and nobody has sent. */
  readonly written: Uint8Array[] = [];
  #head: { readonly status: number; readonly fields: HeaderFields } | null = null;
  #sent = false;

  readonly startResponse: StartResponse = (status, headers, excInfo = null) => {
    if (excInfo !== null) {
      if (this.#sent) throw excInfo instanceof Error ? excInfo : excInfo[1];
    } else if (this.#head !== null) {
      throw new Error("startResponse was called a second time without excInfo");
    }
    const [, digits] = /^([2-5]\d\d) \S/.exec(status) ?? [];
    if (digits === undefined) throw new TypeError(`A WSGI status is such as "200 OK", not ${JSON.stringify(status)}`);
    if (!isList(headers)) throw new TypeError("WSGI headers are a list of pairs of name and value");
    for (const [name] of headers) {
      if (HOP_BY_HOP.has(name.toLowerCase())) throw new TypeError(`${name} is the server's, not the application's`);
    }
    this.#head = { status: Number(digits), fields: headers };
    return (data) => {
      this.#sent = true;
      this.written.push(toBytes(data));
    };
  };

  send(): { readonly status: number; readonly fields: HeaderFields } {
    if (this.#head === null) throw new Error("The WSGI application did not call startResponse before its first piece");
    this.#sent = true;
    return this.#head;
  }
}

/** RFC 2616 §13.5.1, which PEP 3333 forbids to applications. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailers",
  "transfer-encoding",
  "upgrade",
]);

/** The iterable, pulled on demand. Not a generator, for one that was not begun would not see its `return()`. */
class WsgiBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #response: WsgiResponse;
  readonly #iterator: Iterator<Bytes>;
  readonly #queue: Uint8Array[];
  #exhausted = false;
  #closed = false;

  constructor(response: WsgiResponse, written: Uint8Array[]) {
    this.#response = response;
    this.#iterator = response[Symbol.iterator]();
    this.#queue = written;
  }

  /** The next piece that is not empty, `write`'s first; `null` at the end. */
  step(): Uint8Array | null {
    for (;;) {
      const written = this.#queue.shift();
      if (written !== undefined) {
        if (written.byteLength > 0) return written;
      } else if (this.#exhausted) {
        return null;
      } else {
        this.#advance();
      }
    }
  }

  unstep(piece: Uint8Array): void {
    this.#queue.unshift(piece);
  }

  /** All of it where it is a list, which a server can send with its length. */
  whole(): Uint8Array | null {
    if (!Array.isArray(this.#response)) return null;
    const pieces: Uint8Array[] = [];
    for (let piece = this.step(); piece !== null; piece = this.step()) pieces.push(piece);
    this.close();
    return Buffer.concat(pieces);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const value = this.step();
      if (value !== null) return { done: false, value };
    } catch (error) {
      this.close();
      throw error;
    }
    this.close();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#exhausted) this.#iterator.return?.();
    this.#response.close?.();
  }

  #advance(): void {
    const step: IteratorResult<Bytes, unknown> = this.#iterator.next();
    if (step.done === true) this.#exhausted = true;
    else this.#queue.push(toBytes(step.value));
  }
}

function isWsgiResponse(value: unknown): value is WsgiResponse {
  return typeof value === "object" && value !== null && Symbol.iterator in value && !(value instanceof Uint8Array);
}

/** Array.isArray would make its elements `any`. */
function isList(value: unknown): boolean {
  return Array.isArray(value);
}

function toBytes(data: Bytes): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  throw new TypeError(`A WSGI body is of bytestrings, not of ${typeof data}`);
}
