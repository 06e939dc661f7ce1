/**
 * One line for each exchange, written when its response is out or has failed. It wraps any handler, on any server:
 *
 *     serve({ fetch: accessLog()(handler) });
 *
 * The line never holds a control character, so a client cannot add a line of its own; text in UTF-8 stays readable.
 *
 * @module @tsgi/gateway-spec/access-log
 */
import { randomUUID } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import type { Exchange, Handler, IncomingRequest, OutgoingResponse, ResponseBody } from "./index.ts";
import { eachField } from "./server-kit/fields.ts";
import { isPromiseLike, isResponse } from "./server-kit/handler-result.ts";
import { openBody } from "./server-kit/response-body.ts";

/** What is known of an exchange that is over. */
export interface AccessRecord {
  /** When the request arrived, in ISO 8601. */
  readonly time: string;
  /** See {@link requestIdOf}. */
  readonly id: string;
  /** The client's address, `-` where there is none. */
  readonly remote: string;
  /** As received. */
  readonly method: string;
  /** The request target as received. */
  readonly target: string;
  readonly protocol: string;
  /** The pattern of the route that took the request, where a framework has noted it with {@link noteRoute}. */
  readonly route: string | null;
  /** Of the final response. */
  readonly status: number;
  /** Bytes of response content that were handed to the server. */
  readonly bytes: number;
  /** From the request's arrival to the end of its response, in milliseconds. */
  readonly durationMs: number;
  /** The field `Referer`, or `null`. */
  readonly referer: string | null;
  /** The field `User-Agent`, or `null`. */
  readonly userAgent: string | null;
  /** Why the exchange failed: the code of its ExchangeError, or null. */
  readonly failure: string | null;
}

/** The format of the lines, and where they go. */
export interface AccessLogOptions {
  /** `combined` is the format of Apache and nginx, and no field beyond those. Default `combined`. */
  readonly format?: "combined" | "json" | ((record: AccessRecord) => string);
  /** Gets each line, without its end. Default: the standard output. */
  readonly write?: (line: string) => void;
  /**
   * Whether the request's own `X-Request-Id` is used. Only behind a proxy that sets it: a client could else choose the ids of your
   * log. Default false.
   */
  readonly acceptRequestId?: boolean;
}

const ids = new WeakMap<object, string>();
const routes = new WeakMap<object, string>();
let readsRoutes = false;

/** An exchange that stands for another one, such as that of a mounted application, has the other one here. */
const WRAPPED = Symbol.for("tsgi.exchange.wrapped");

function wrappedBy(exchange: { readonly [WRAPPED]?: object }): object {
  return exchange[WRAPPED] ?? exchange;
}

/** The id of an exchange, made at the first call. {@link accessLog} sends it in `X-Request-Id`. */
export function requestIdOf(exchange: object): string {
  const key = wrappedBy(exchange);
  let id = ids.get(key);
  if (id === undefined) {
    id = randomUUID();
    ids.set(key, id);
  }
  return id;
}

/** A framework publishes on it. Without a subscriber a request costs it one comparison. */
const ROUTE = channel("tsgi.exchange.route");

/**
 * For frameworks: reports which route took the request, such as `/users/:id`, on the diagnostics channel `tsgi.exchange.route`. The
 * message is `{ exchange, route }`. A framework whose pattern costs time asks for `channel(…).hasSubscribers` first.
 */
export function noteRoute(exchange: object, route: string): void {
  if (ROUTE.hasSubscribers) ROUTE.publish({ exchange: wrappedBy(exchange), route });
}

function rememberRoute(message: unknown): void {
  const { exchange, route } = message as { readonly exchange: object; readonly route: string };
  routes.set(exchange, route);
}

/** Wraps a handler. Wrap the outermost one, so that every response is logged. */
export function accessLog(options: AccessLogOptions = {}): <E extends Exchange>(next: Handler<E>) => Handler<E> {
  const { format = "combined", write = writeLine, acceptRequestId = false } = options;
  // The combined format has no route.
  if (format !== "combined" && !readsRoutes) {
    readsRoutes = true;
    ROUTE.subscribe(rememberRoute);
  }
  const toLine = format === "combined" ? toCombined : format === "json" ? toJson : format;

  return (next) => (request, exchange) => {
    if (acceptRequestId) takeRequestId(request, exchange);
    const entry = new Entry(request, exchange);
    const finish = (error: unknown) => {
      try {
        write(toLine(entry.record(error)));
      } catch (failure) {
        // Thrown from here it would end the process.
        console.error("A line of the access log could not be written:", failure);
      }
    };
    exchange.completed.then(() => {
      // A response in place of the handler's was sent: the exchange has failed all the same (TSGI-30).
      const { signal } = request;
      finish(signal.aborted ? signal.reason : null);
      return undefined;
    }, finish);
    const response = next(request, exchange);
    return isPromiseLike(response) ? response.then((later) => entry.watch(later)) : entry.watch(response);
  };
}

class Entry {
  readonly #request: IncomingRequest;
  readonly #exchange: Exchange;
  readonly #arrived = new Date();
  readonly #start = performance.now();
  readonly #remote: string;
  /** Where the handler throws, the server sends a 500. */
  #status = 500;
  #bytes = 0;

  constructor(request: IncomingRequest, exchange: Exchange) {
    this.#request = request;
    this.#exchange = exchange;
    // Now: node does not know the address of a socket that is closed.
    const { remoteAddress } = exchange;
    this.#remote = remoteAddress?.transport === "tcp" ? remoteAddress.hostname : "-";
  }

  /** The same response with the request id, its content counted. */
  watch(response: OutgoingResponse): OutgoingResponse {
    // A handler in JavaScript may give anything; the server refuses it.
    if (!isResponse(response)) return response;
    const { status, headers, trailers } = response;
    this.#status = status;
    // The 101 of a WebSocket belongs to the server (TSGI-49).
    if (status === 101) return response;
    const body = this.#count(response.body);
    return {
      status,
      headers: [...pairsOf(headers), ["x-request-id", requestIdOf(this.#exchange)]],
      ...(body === undefined ? {} : { body }),
      ...(trailers === undefined ? {} : { trailers }),
    };
  }

  record(error: unknown): AccessRecord {
    const { method, headers } = this.#request;
    const { target, protocol } = this.#exchange;
    return {
      time: this.#arrived.toISOString(),
      id: requestIdOf(this.#exchange),
      remote: this.#remote,
      method,
      target,
      protocol: `HTTP/${protocol}`,
      route: routes.get(this.#exchange) ?? null,
      status: this.#status,
      bytes: method === "HEAD" ? 0 : this.#bytes,
      durationMs: Math.round((performance.now() - this.#start) * 1000) / 1000,
      referer: headers.get("referer"),
      userAgent: headers.get("user-agent"),
      failure: error === null ? null : codeOf(error),
    };
  }

  #count(body: OutgoingResponse["body"]): OutgoingResponse["body"] {
    if (body === null || body === undefined) return body;
    if (typeof body === "string") this.#bytes = Buffer.byteLength(body);
    else if (body instanceof Uint8Array) this.#bytes = body.byteLength;
    else return this.#counted(body);
    return body;
  }

  /** The kit's reader of bodies releases each kind as a server does: a node stream that was never read, too. */
  #counted(body: Exclude<ResponseBody, string | Uint8Array>): ResponseBody {
    return {
      [Symbol.asyncIterator]: () => {
        const source = openBody(body);
        return {
          next: async () => {
            const { done, value } = await source.next();
            if (done === true || value === undefined) return { done: true, value: undefined };
            this.#bytes += typeof value === "string" ? Buffer.byteLength(value) : value.byteLength;
            return { done: false, value };
          },
          return: () => {
            source.cancel(new Error("The response was dropped"));
            return Promise.resolve({ done: true, value: undefined });
          },
        };
      },
    };
  }
}

/** The Combined Log Format of Apache. */
function toCombined(record: AccessRecord): string {
  const { remote, time, method, target, protocol, status, bytes, referer, userAgent } = record;
  const request = quoted(`${method} ${target} ${protocol}`);
  return `${remote} - - [${clfTime(time)}] ${request} ${status} ${bytes} ${quoted(referer ?? "-")} ${quoted(userAgent ?? "-")}`;
}

/** JSON escapes the controls of ASCII except for DEL. */
function toJson(record: AccessRecord): string {
  const line = JSON.stringify({
    ...record,
    target: readable(record.target),
    referer: record.referer === null ? null : readable(record.referer),
    userAgent: record.userAgent === null ? null : readable(record.userAgent),
  });
  return line.replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const MONTHS: readonly string[] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `2026-11-25T09:05:03.000Z` as `25/Nov/2026:09:05:03 +0000`. */
function clfTime(iso: string): string {
  const month = MONTHS[Number(iso.slice(5, 7)) - 1] ?? "";
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

/** As Apache writes it: quotes and backslashes with a backslash, controls as `\xhh`. */
function quoted(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  const escaped = readable(text).replaceAll(/["\\]|[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (char) => {
    if (char === '"' || char === "\\") return `\\${char}`;
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `"${escaped}"`;
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true });

/** A received field is a byte a character. Where the bytes are UTF-8, this is the text that they mean. */
function readable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the end of ASCII
  if (!/[^\u0000-\u007f]/.test(text)) return text;
  try {
    return UTF_8.decode(Buffer.from(text, "latin1"));
  } catch {
    return text;
  }
}

/** An id that another log can hold: no space, no quote, not long. */
const REQUEST_ID = /^[\w.:/+=-]{1,128}$/;

function takeRequestId({ headers }: IncomingRequest, exchange: object): void {
  const given = headers.get("x-request-id");
  if (given !== null && REQUEST_ID.test(given)) ids.set(exchange, given);
}

function pairsOf(headers: OutgoingResponse["headers"]): readonly (readonly [string, string])[] {
  const pairs: [string, string][] = [];
  if (headers !== undefined) eachField(headers, (name, value) => void pairs.push([name, value]));
  return pairs;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
