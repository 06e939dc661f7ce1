/** A connection of HTTP/2, which the server has selected by ALPN (RFC 9113 §3.2): each request is a stream of its own. */
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import type { Address } from "../index.ts";
import { ConformanceError } from "./expect.ts";
import { endsOf, type OpenSocket, openSocket, type WireOptions } from "./open-socket.ts";
import { field, type ReceivedResponse, type RequestParts, type ResponseHead, type Wire } from "./wire.ts";

/** The error code CANCEL of RFC 9113 §7. */
const CANCEL = 8;

/** The content of a request is written in pieces of this size, so that those that the server takes are noticed. */
const WRITE_BYTES = 64 * 1024;

export class Http2Wire implements Wire {
  static readonly protocol = "h2";
  readonly client: Address;
  readonly server: Address;
  readonly #session: ClientHttp2Session;
  readonly #options: WireOptions;
  /** In the order of the requests, without those whose responses were read in full. */
  readonly #streams: Stream[] = [];
  /** Of the last request. */
  #last: Stream | null = null;
  /** Whether the client closes the connection after the last request. */
  #isLast = false;
  #paused = false;
  #closed = false;
  #event = Promise.withResolvers<void>();
  trailers: ResponseHead["fields"] = [];

  private constructor({ socket, tcp }: OpenSocket, options: WireOptions) {
    ({ client: this.client, server: this.server } = endsOf(socket));
    this.#options = options;
    this.#session = connect(`https://${options.authority}`, { createConnection: () => socket });
    this.#session.on("error", () => undefined);
    this.#session.on("close", () => {
      this.#closed = true;
      this.#notify();
      tcp.destroy();
    });
  }

  /** @throws ConformanceError if the server does not select HTTP/2. */
  static async open(options: WireOptions): Promise<Http2Wire> {
    const open = await openSocket(options, ["h2"]);
    if (open.selected !== "h2") {
      open.tcp.destroy();
      throw new ConformanceError(`${options.authority} does not select HTTP/2 by ALPN`);
    }
    const wire = new Http2Wire(open, options);
    await options.waits.within(once(wire.#session, "connect"), "a session of HTTP/2");
    return wire;
  }

  get hasReceived(): boolean {
    return this.#streams.some(({ heads, pieces }) => heads.length + pieces.length > 0);
  }

  get unsentBytes(): number {
    return this.#last?.stream?.writableLength ?? 0;
  }

  get over(): boolean {
    return this.#closed || this.#last?.closed === true;
  }

  // Out

  request(first: RequestParts = {}, ...further: readonly RequestParts[]): void {
    for (const parts of [first, ...further]) this.#request(parts);
  }

  write(content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    for (let start = 0; start < bytes.byteLength; start += WRITE_BYTES) {
      this.#last?.stream?.write(bytes.subarray(start, start + WRITE_BYTES), () => {
        this.#notify();
      });
    }
  }

  finish(trailers: readonly (readonly [string, string])[] = []): void {
    if (this.#last !== null) this.#last.requestTrailers = trailers;
    this.end();
  }

  end(): void {
    this.#last?.stream?.end();
  }

  async sent(): Promise<void> {
    await this.#until(() => this.unsentBytes === 0 || this.over, "the server to take what was sent");
  }

  reset(): void {
    this.#last?.stream?.close(CANCEL);
  }

  pause(): void {
    this.#paused = true;
    for (const { stream } of this.#streams) stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const { stream } of this.#streams) stream?.resume();
  }

  close(): void {
    this.#session.destroy();
  }

  // In

  async head(): Promise<ResponseHead> {
    const current = this.#current();
    await this.#until(() => current.heads.length > 0 || current.ending !== null, "the head of a response");
    const head = current.heads.shift();
    if (head === undefined) throw this.#ended(current, "the head of a response");
    return head;
  }

  /** Reads the response to the first request last. */
  postpone(): void {
    const first = this.#streams.shift();
    if (first !== undefined) this.#streams.push(first);
  }

  /** The status of the response, or null for a stream that the server resets without one. */
  async statusOrReset(): Promise<number | null> {
    const current = this.#current();
    await this.#until(() => current.heads.length > 0 || current.ending !== null, "a response or a reset");
    return current.heads[0]?.status ?? null;
  }

  async piece(): Promise<Buffer | null> {
    const current = this.#current();
    await this.#until(() => current.pieces.length > 0 || current.ending !== null, "content");
    const piece = current.pieces.shift();
    if (piece !== undefined) return piece;
    if (current.ending !== 0) throw this.#ended(current, "the end of the content");
    this.#streams.shift();
    this.trailers = current.trailers;
    return null;
  }

  async response(): Promise<ReceivedResponse> {
    const informational: ResponseHead[] = [];
    let head = await this.head();
    while (head.status < 200) {
      informational.push(head);
      head = await this.head();
    }
    const pieces: Buffer[] = [];
    for (let piece = await this.piece(); piece !== null; piece = await this.piece()) pieces.push(piece);
    const framing = field(head, "content-length") === null ? "stream" : "length";
    return { ...head, informational, body: Buffer.concat(pieces), framing, trailers: this.trailers };
  }

  async truncated(): Promise<Buffer> {
    const current = this.#current();
    await this.#until(() => current.ending !== null, "the reset of the stream");
    this.#streams.shift();
    // RFC 9113 §8.1: a response is complete when a frame of its stream has the flag END_STREAM.
    if (current.ending === 0) throw new ConformanceError("expected a reset of the stream, saw its end");
    return Buffer.concat(current.pieces);
  }

  async closed(): Promise<Buffer> {
    // Not with the request: the server may get the GOAWAY before it, and refuse the stream.
    if (this.#isLast) this.#session.close();
    await this.#until(() => this.#closed, "the end of the connection");
    const texts = this.#streams.flatMap(({ heads, pieces }) => [
      ...heads.map((head) => Buffer.from(`${head.status} ${JSON.stringify(head.fields)}`)),
      ...pieces,
    ]);
    return Buffer.concat(texts);
  }

  #request({ method = "GET", path = "", target, headers = [], body, more = false, last = false }: RequestParts): void {
    const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const pseudo = {
      ":method": method,
      ":scheme": "https",
      ":authority": this.#options.authority,
      ":path": target ?? this.#options.base + path,
    };
    const length = bytes !== undefined && !has("content-length") ? { "content-length": bytes.byteLength } : {};
    const endStream = bytes === undefined && !more;
    let stream: ClientHttp2Stream | null;
    try {
      stream = this.#session.request(
        { ...pseudo, ...recordOf(headers), ...length },
        { endStream, waitForTrailers: more },
      );
    } catch {
      // The session has ended, or takes no further streams after a GOAWAY.
      stream = null;
    }
    this.#last = new Stream(stream, this.#notify);
    this.#streams.push(this.#last);
    if (this.#paused) stream?.pause();
    if (bytes !== undefined) this.write(bytes);
    if (bytes !== undefined && !more) this.finish();
    this.#isLast = last;
  }

  #current(): Stream {
    const [current] = this.#streams;
    if (current === undefined) throw new Error("the case reads a response without a request");
    return current;
  }

  readonly #notify = (): void => {
    this.#event.resolve();
    this.#event = Promise.withResolvers<void>();
  };

  async #until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) await this.#options.waits.within(this.#event.promise, what);
  }

  #ended({ ending, pieces }: Stream, what: string): ConformanceError {
    const how = ending === 0 ? "ended" : `was reset with the code ${ending}`;
    const seen = Buffer.concat(pieces).toString("latin1", 0, 80);
    return new ConformanceError(`the stream ${how} before ${what}; the content so far: ${JSON.stringify(seen)}`);
  }
}

/** What a stream has received. */
class Stream {
  /** Null where none could be opened. */
  readonly stream: ClientHttp2Stream | null;
  readonly heads: ResponseHead[] = [];
  readonly pieces: Buffer[] = [];
  trailers: ResponseHead["fields"] = [];
  /** Sent when the content of the request has been sent. */
  requestTrailers: readonly (readonly [string, string])[] = [];
  /** The error code with which it was closed: 0 at its end. Null while it is open. */
  ending: number | null = null;
  /** Whether both sides have ended. */
  closed = false;

  constructor(stream: ClientHttp2Stream | null, notify: () => void) {
    this.stream = stream;
    if (stream === null) {
      this.ending = CANCEL;
      this.closed = true;
      return;
    }
    // The third argument is the list of fields as received; node's types lack it.
    const onFields = (event: string, take: (fields: readonly string[]) => void) => {
      stream.on(event, (_headers: unknown, _flags: unknown, raw: readonly string[]) => {
        take(raw);
        notify();
      });
    };
    const onHead = (raw: readonly string[]) => {
      this.heads.push(headOf(raw));
    };
    onFields("headers", onHead);
    onFields("response", onHead);
    onFields("trailers", (raw) => {
      this.trailers = pairsOf(raw);
    });
    stream.on("data", (piece: Buffer) => {
      this.pieces.push(piece);
      notify();
    });
    stream.on("wantTrailers", () => {
      stream.sendTrailers(recordOf(this.requestTrailers));
    });
    stream.on("error", () => undefined);
    // By a reset of the server. Deno's client emits no "close" after one with NO_ERROR.
    stream.on("aborted", () => {
      this.closed = true;
      notify();
    });
    stream.on("close", () => {
      this.closed = true;
      // Where the connection has ended, the stream has no code.
      this.ending ??= stream.rstCode === undefined || stream.rstCode === 0 ? CANCEL : stream.rstCode;
      notify();
    });
    stream.on("end", () => {
      // The server may end its side before the client has ended its own.
      if (stream.rstCode === undefined || stream.rstCode === 0) this.ending ??= 0;
      notify();
    });
  }
}

function headOf(raw: readonly string[]): ResponseHead {
  const pairs = pairsOf(raw);
  const status = pairs.find(([name]) => name === ":status")?.[1];
  return { status: Number(status), reason: "", fields: pairs.filter(([name]) => !name.startsWith(":")) };
}

function pairsOf(raw: readonly string[]): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (let i = 0; i < raw.length; i += 2) pairs.push([raw[i] ?? "", raw[i + 1] ?? ""]);
  return pairs;
}

/** Lines of one name as a list, in lower case (RFC 9113 §8.2). */
function recordOf(fields: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const record: Record<string, string[]> = {};
  for (const [name, value] of fields) (record[name.toLowerCase()] ??= []).push(value);
  // Node takes a list of one value for some names only.
  return Object.fromEntries(
    Object.entries(record).map(([name, [one = "", ...more]]) => [name, more.length === 0 ? one : [one, ...more]]),
  );
}
