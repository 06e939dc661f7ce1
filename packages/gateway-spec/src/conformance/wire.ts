/** The client's end of one connection, TCP or TLS: it sends bytes, and waits for bytes and events, each with a deadline. */
import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ConformanceError, type Waits } from "./expect.ts";

/** A request, written without any check, because many cases send invalid ones. */
export interface RequestParts {
  /** Default `GET`. */
  readonly method?: string;
  /** Appended to the base path of the wire. */
  readonly path?: string;
  /** Replaces base and path. */
  readonly target?: string;
  /** Default `1.1`. */
  readonly version?: "1.0" | "1.1";
  /** Sent after `Host`, which is omitted if this has one. ISO-8859-1. */
  readonly headers?: readonly (readonly [string, string])[];
  /** Sent with a Content-Length, unless the headers have a framing field. */
  readonly body?: string | Uint8Array;
}

export interface ResponseHead {
  readonly status: number;
  /** Lines in the order received, names in lower case. */
  readonly fields: readonly (readonly [string, string])[];
}

export interface ReceivedResponse extends ResponseHead {
  /** The 1xx heads before it. */
  readonly informational: readonly ResponseHead[];
  readonly body: Buffer;
  readonly framing: "none" | "length" | "chunked" | "close";
  readonly trailers: ResponseHead["fields"];
}

/** What a wire takes from its case. */
export interface WireOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean;
  readonly authority: string;
  readonly base: string;
  readonly waits: Waits;
}

export class Wire {
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
  /** The trailer section, after {@link chunk} has returned null. */
  trailers: ResponseHead["fields"] = [];

  private constructor(socket: Socket, tcp: Socket, options: WireOptions) {
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

  static async open(options: WireOptions): Promise<Wire> {
    const { host, port, tls = false, authority, waits } = options;
    const tcp = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const where = `${tls ? "https://" : ""}${authority}`;
    const opened = async (): Promise<Socket> => {
      try {
        await once(tcp, "connect");
        return tls ? await handshake(tcp, host) : tcp;
      } catch (cause) {
        throw new ConformanceError(`cannot connect to ${where}: ${reasonOf(cause)}`, { cause });
      }
    };
    try {
      return new Wire(await waits.within(opened(), `a connection to ${where}`), tcp, options);
    } catch (error) {
      tcp.destroy();
      throw error;
    }
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? "";
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  /** Bytes that have arrived and were not read. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Bytes that the system has not taken, and so the server has not read. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /** Whether the server has closed the connection. */
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

  request(parts: RequestParts = {}): void {
    const { method = "GET", path = "", version = "1.1", headers = [], body } = parts;
    const has = (name: string) => headers.some(([given]) => given.toLowerCase() === name);
    const lines = [`${method} ${parts.target ?? this.#options.base + path} HTTP/${version}`];
    if (!has("host")) lines.push(`Host: ${this.#options.authority}`);
    for (const [name, value] of headers) lines.push(`${name}: ${value}`);
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (bytes !== undefined && !has("content-length") && !has("transfer-encoding")) {
      lines.push(`Content-Length: ${bytes.byteLength}`);
    }
    this.send(`${lines.join("\r\n")}\r\n\r\n`);
    if (bytes !== undefined) this.send(bytes);
  }

  /** Fulfils when the system has taken all bytes, or the connection has closed. */
  async sent(): Promise<void> {
    await this.#until(() => this.unsentBytes === 0 || this.over, "the server to take what was sent");
  }

  /** Sends FIN. The server's bytes can still be read. */
  end(): void {
    this.#socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.#tcp.resetAndDestroy();
  }

  /** Stops reading: the server's bytes stay in the buffers of the system. */
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

  async head(): Promise<ResponseHead> {
    const line = await this.line("a status line");
    // RFC 9110 §6.2: a server may respond to a request of HTTP/1.0 in the same version.
    const status = /^HTTP\/1\.[01] (\d{3}) [^\r\n]*$/.exec(line)?.[1];
    if (status === undefined) throw new ConformanceError(`expected a status line, saw ${JSON.stringify(line)}`);
    return { status: Number(status), fields: await this.#fields() };
  }

  /** The next chunk of the chunked coding. Null for the last one, which sets {@link trailers}. */
  async chunk(): Promise<Buffer | null> {
    const line = await this.line("a chunk size");
    if (!/^[0-9a-fA-F]+$/.test(line)) throw new ConformanceError(`expected a chunk size, saw ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    if (size === 0) {
      this.trailers = await this.#fields();
      return null;
    }
    const data = await this.bytes(size, `a chunk of ${size} bytes`);
    const end = await this.line("the end of a chunk");
    if (end !== "") throw new ConformanceError(`expected the end of a chunk, saw ${JSON.stringify(end)}`);
    return data;
  }

  /** A whole response, framed by RFC 9112 §6.3. A 101 has no body. */
  async response(method = "GET"): Promise<ReceivedResponse> {
    const informational: ResponseHead[] = [];
    let head = await this.head();
    while (head.status < 200 && head.status !== 101) {
      informational.push(head);
      head = await this.head();
    }
    const { status } = head;
    const chunked = field(head, "transfer-encoding");
    const length = field(head, "content-length");
    let framing: ReceivedResponse["framing"];
    let body = Buffer.alloc(0);
    if (method === "HEAD" || status === 101 || status === 204 || status === 304) {
      framing = "none";
    } else if (chunked !== null) {
      framing = "chunked";
      const chunks: Buffer[] = [];
      for (let chunk = await this.chunk(); chunk !== null; chunk = await this.chunk()) chunks.push(chunk);
      body = Buffer.concat(chunks);
    } else if (length === null) {
      framing = "close";
      body = (await this.rest()).bytes;
    } else {
      framing = "length";
      body = Buffer.from(await this.bytes(Number(length), `a body of ${length} bytes`));
    }
    return { ...head, informational, body, framing, trailers: framing === "chunked" ? this.trailers : [] };
  }

  /** The bytes up to the end of the connection, and how it ended: FIN or RST. */
  async rest(): Promise<{ readonly bytes: Buffer<ArrayBuffer>; readonly ending: "end" | "reset" }> {
    await this.#until(() => this.over, "the end of the connection");
    const bytes = Buffer.concat(this.#received);
    this.#keep(Buffer.alloc(0));
    return { bytes, ending: this.#ended && !this.#reset ? "end" : "reset" };
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

/** The reason of a failed connection. The error of a name with several addresses has no message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}

async function handshake(tcp: Socket, host: string): Promise<Socket> {
  const socket = connectTls({
    socket: tcp,
    servername: isIP(host) === 0 ? host : "",
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: false,
  });
  await once(socket, "secureConnect");
  return socket;
}

/** The value of the first line of a field, or null. */
export function field(head: ResponseHead, name: string): string | null {
  return head.fields.find(([given]) => given === name)?.[1] ?? null;
}

/** The values of all lines of a field. */
export function lines(head: ResponseHead, name: string): readonly string[] {
  return head.fields.filter(([given]) => given === name).map(([, value]) => value);
}
