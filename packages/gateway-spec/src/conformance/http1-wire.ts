/** A connection of HTTP/1.1: it sends bytes, and waits for bytes and events, each with a deadline. */
import type { Socket } from "node:net";
import type { Address } from "../index.ts";
import { ConformanceError } from "./expect.ts";
import { endsOf, type OpenSocket, openSocket, type WireOptions } from "./open-socket.ts";
import { field, type ReceivedResponse, type RequestParts, type ResponseHead, type Wire } from "./wire.ts";

/** How the content of a response is delimited (RFC 9112 §6.3), and how much of it is left. */
type Framing = { readonly kind: "none" | "chunked" | "close" } | { readonly kind: "length"; readonly left: number };

export class Http1Wire implements Wire {
  static readonly protocol = "http/1.1";
  readonly client: Address;
  readonly server: Address;
  readonly #socket: Socket;
  /** The socket below TLS, or the same socket. */
  readonly #tcp: Socket;
  readonly #options: WireOptions;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #ended = false;
  #reset = false;
  #closed = false;
  #event = Promise.withResolvers<void>();
  /** Of the response whose head was read last. */
  #framing: Framing = { kind: "none" };
  /** Whether the content of the last request is sent in chunks. */
  #sendsChunks = false;
  /** Whether a request of HTTP/1.0 was sent. */
  #sendsHttp10 = false;
  trailers: ResponseHead["fields"] = [];

  private constructor({ socket, tcp }: OpenSocket, options: WireOptions) {
    ({ client: this.client, server: this.server } = endsOf(socket));
    this.#socket = socket;
    this.#tcp = tcp;
    this.#options = options;
    socket.on("data", (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#receivedBytes += bytes.byteLength;
      this.#notify();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#notify();
    });
    socket.on("error", () => {
      this.#reset = true;
    });
    socket.on("close", () => {
      this.#closed = true;
      this.#notify();
    });
  }

  static async open(options: WireOptions): Promise<Http1Wire> {
    return new Http1Wire(await openSocket(options, ["http/1.1"]), options);
  }

  get hasReceived(): boolean {
    return this.#receivedBytes > 0;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get over(): boolean {
    return this.#ended || this.#closed;
  }

  // Out

  /** Sends bytes, or text as ISO-8859-1. */
  send(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    // No event reports that a small write was taken, and over TLS no write is taken at once. A failure leads to 'close'.
    this.#socket.write(bytes, (error) => {
      if (error === null || error === undefined) this.#notify();
    });
  }

  request(first: RequestParts = {}, ...further: readonly RequestParts[]): void {
    this.send(Buffer.concat([first, ...further].map((parts) => this.#encode(parts))));
  }

  write(content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    if (!this.#sendsChunks) return this.send(bytes);
    this.send(Buffer.concat([Buffer.from(`${bytes.byteLength.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]));
  }

  finish(trailers: readonly (readonly [string, string])[] = []): void {
    if (this.#sendsChunks) this.send(`0\r\n${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
  }

  async sent(): Promise<void> {
    await this.#until(() => this.unsentBytes === 0 || this.over, "the server to take what was sent");
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#tcp.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  // In

  async bytes(count: number, what: string): Promise<Buffer> {
    await this.#until(() => this.#receivedBytes >= count || this.over, what);
    if (this.#receivedBytes < count) throw this.#truncated(what);
    const all = this.#joined();
    this.#keep(all.subarray(count));
    return all.subarray(0, count);
  }

  /** A line without its CRLF, as ISO-8859-1. */
  async line(what: string): Promise<string> {
    const found = () => this.#joined().indexOf("\r\n");
    await this.#until(() => found() !== -1 || this.over, what);
    const end = found();
    if (end === -1) throw this.#truncated(what);
    const all = this.#joined();
    this.#keep(all.subarray(end + 2));
    return all.toString("latin1", 0, end);
  }

  head(): Promise<ResponseHead> {
    return this.#head("GET");
  }

  piece(): Promise<Buffer | null> {
    const framing = this.#framing;
    if (framing.kind === "none") return Promise.resolve(null);
    if (framing.kind === "chunked") return this.#chunk();
    return this.#pieceOf(framing.kind === "length" ? framing.left : Number.POSITIVE_INFINITY);
  }

  /** Framed by RFC 9112 §6.3. A 101 has no body. */
  async response(method = "GET"): Promise<ReceivedResponse> {
    const informational: ResponseHead[] = [];
    let head = await this.#head(method);
    while (head.status < 200 && head.status !== 101) {
      informational.push(head);
      head = await this.#head(method);
    }
    const framing = this.#framing;
    const pieces: Buffer[] = [];
    for (let piece = await this.piece(); piece !== null; piece = await this.piece()) pieces.push(piece);
    const trailers = framing.kind === "chunked" ? this.trailers : [];
    return { ...head, informational, body: Buffer.concat(pieces), framing: framing.kind, trailers };
  }

  async truncated(): Promise<Buffer> {
    const { bytes, ending } = await this.#rest();
    // Over TLS a missing close_notify shows it too (RFC 9112 §9.8), but node:tls does not report that.
    if (this.#framing.kind === "close" && ending === "end" && this.#options.tls !== true) {
      throw new ConformanceError(
        "expected a reset, because only the end of the connection delimits the body (RFC 9112 §8), saw an end",
      );
    }
    return bytes;
  }

  async closed(): Promise<Buffer> {
    return (await this.#rest()).bytes;
  }

  /** The bytes up to the end of the connection, and how it ended: FIN or RST. */
  async #rest(): Promise<{ readonly bytes: Buffer<ArrayBuffer>; readonly ending: "end" | "reset" }> {
    await this.#until(() => this.over, "the end of the connection");
    const bytes = Buffer.concat(this.#received);
    this.#keep(Buffer.alloc(0));
    return { bytes, ending: this.#ended && !this.#reset ? "end" : "reset" };
  }

  /** @param method of the request: a response to HEAD has no content. */
  async #head(method: string): Promise<ResponseHead> {
    const line = await this.line("a status line");
    const [, minor, status, reason = ""] = /^HTTP\/1\.([01]) (\d{3}) ([^\r\n]*)$/.exec(line) ?? [];
    if (status === undefined) throw new ConformanceError(`expected a status line, saw ${JSON.stringify(line)}`);
    // RFC 9110 §6.2: the version of a response "SHOULD" be the highest of the same major version that the server conforms to, so that
    // HTTP/1.0 is permitted for a request of HTTP/1.0. RFC 9112 §2.3 permits a downgrade only for clients known to be faulty.
    if (minor === "0" && !this.#sendsHttp10) {
      throw new ConformanceError(`expected HTTP/1.1 for a request of HTTP/1.1, saw ${JSON.stringify(line)}`);
    }
    const head = { status: Number(status), reason, fields: await this.#fields() };
    this.#framing = framingOf(head, method);
    return head;
  }

  /** The next chunk of the chunked coding. Null for the last one, which sets {@link trailers}. */
  async #chunk(): Promise<Buffer | null> {
    const line = await this.line("a chunk size");
    if (!/^[0-9a-fA-F]+$/.test(line)) throw new ConformanceError(`expected a chunk size, saw ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    if (size === 0) {
      this.trailers = await this.#fields();
      this.#framing = { kind: "none" };
      return null;
    }
    const data = await this.bytes(size, `a chunk of ${size} bytes`);
    const end = await this.line("the end of a chunk");
    if (end !== "") throw new ConformanceError(`expected the end of a chunk, saw ${JSON.stringify(end)}`);
    return data;
  }

  /** What has arrived, at most so many bytes. Null if there are no more. */
  async #pieceOf(left: number): Promise<Buffer | null> {
    if (left === 0) return null;
    const what = left === Number.POSITIVE_INFINITY ? "content" : `content, of which ${left} bytes are left`;
    await this.#until(() => this.#receivedBytes > 0 || this.over, what);
    if (this.#receivedBytes === 0) {
      if (left === Number.POSITIVE_INFINITY) return null;
      throw this.#truncated(what);
    }
    const size = Math.min(left, this.#receivedBytes);
    if (left !== Number.POSITIVE_INFINITY) this.#framing = { kind: "length", left: left - size };
    return this.bytes(size, what);
  }

  #encode({
    method = "GET",
    path = "",
    target,
    version = "1.1",
    headers = [],
    body,
    more,
    last,
  }: RequestParts): Buffer {
    const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
    if (version === "1.0") this.#sendsHttp10 = true;
    const lines = [`${method} ${target ?? this.#options.base + path} HTTP/${version}`];
    if (!has("host")) lines.push(`Host: ${this.#options.authority}`);
    for (const [name, value] of headers) lines.push(`${name}: ${value}`);
    if (last === true) lines.push("Connection: close");
    const bytes = typeof body === "string" ? Buffer.from(body) : (body ?? new Uint8Array());
    const isFramed = has("content-length") || has("transfer-encoding");
    if (body !== undefined && !isFramed) lines.push(`Content-Length: ${bytes.byteLength}`);
    this.#sendsChunks = more === true && !isFramed;
    if (this.#sendsChunks) lines.push("Transfer-Encoding: chunked");
    return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes]);
  }

  async #fields(): Promise<ResponseHead["fields"]> {
    const fields: (readonly [string, string])[] = [];
    for (let line = await this.line("a field line"); line !== ""; line = await this.line("a field line")) {
      const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
      if (name === undefined || value === undefined)
        throw new ConformanceError(`expected a field line, saw ${JSON.stringify(line)}`);
      fields.push([name.toLowerCase(), value]);
    }
    return fields;
  }

  #joined(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }

  #keep(rest: Buffer): void {
    this.#received = rest.byteLength === 0 ? [] : [rest];
    this.#receivedBytes = rest.byteLength;
  }

  #notify(): void {
    this.#event.resolve();
    this.#event = Promise.withResolvers<void>();
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) await this.#options.waits.within(this.#event.promise, what);
  }

  #truncated(what: string): ConformanceError {
    const seen = this.#joined().toString("latin1", 0, 80);
    const how = this.#reset ? "was reset" : "ended";
    return new ConformanceError(`the connection ${how} before ${what}; the bytes so far: ${JSON.stringify(seen)}`);
  }
}

function framingOf(head: ResponseHead, method: string): Framing {
  const { status } = head;
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return { kind: "none" };
  if (field(head, "transfer-encoding") !== null) return { kind: "chunked" };
  const length = field(head, "content-length");
  if (length === null) return { kind: "close" };
  if (!/^\d+$/.test(length)) throw new ConformanceError(`expected a length, saw Content-Length: ${length}`);
  return { kind: "length", left: Number(length) };
}
