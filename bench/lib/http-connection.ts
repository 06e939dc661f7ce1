/** An HTTP/1.1 connection of a client: writes bytes unchanged, and finds the end of each response. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** Requests in progress wait for long while memory is measured. */
const TIMEOUT_MS = 60_000;
/** Concurrent handshakes, well below the backlog of a listening socket. */
const OPENING_AT_ONCE = 100;

export interface ReceivedResponse {
  readonly status: number;
  readonly head: string;
  /** A character for a byte, without the framing. */
  readonly body: string;
}

export class HttpConnection {
  readonly socket: Socket;
  #text = "";
  /** Fewer bytes than these do not complete the response. */
  #needed = 0;
  #waiting: PromiseWithResolvers<void> | null = null;
  #failure: Error | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#text += text;
      this.#waiting?.resolve();
    });
    socket.setTimeout(TIMEOUT_MS, () => {
      if (this.#waiting !== null) socket.destroy(new Error(`the server sent nothing for ${TIMEOUT_MS / 1000} s`));
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  /** @param from an address of this machine, for more connections than one address has ports. */
  static async open(port: number, tls: boolean, from?: string): Promise<HttpConnection> {
    const at = { port, host: "127.0.0.1", ...(from === undefined ? {} : { localAddress: from }) };
    const socket = tls ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
    await once(socket, tls ? "secureConnect" : "connect");
    return new HttpConnection(socket);
  }

  /** @param first a request that each sends at once: a server closes connections that send nothing. */
  static async openMany(
    count: number,
    port: number,
    { tls = false, from, first }: { readonly tls?: boolean; readonly from?: string; readonly first?: string } = {},
  ): Promise<readonly HttpConnection[]> {
    const openOne = async () => {
      const connection = await HttpConnection.open(port, tls, from);
      if (first !== undefined) await connection.exchange(first);
      return connection;
    };
    const open: HttpConnection[] = [];
    try {
      while (open.length < count) {
        const some = Math.min(OPENING_AT_ONCE, count - open.length);
        open.push(...(await Promise.all(Array.from({ length: some }, openOne))));
      }
    } catch (error) {
      for (const { socket } of open) socket.destroy();
      throw error;
    }
    return open;
  }

  /** Sends one request. */
  exchange(bytes: string): Promise<ReceivedResponse> {
    this.socket.write(bytes, "latin1");
    return this.next();
  }

  /** The next response. */
  async next(): Promise<ReceivedResponse> {
    for (;;) {
      const response = this.#take();
      if (response !== null) return response;
      if (this.#failure !== null) throw this.#failure;
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
      this.#waiting = null;
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
  }

  #take(): ReceivedResponse | null {
    const text = this.#text;
    if (text.length <= this.#needed - 1) return null;
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd === -1) return null;
    const head = text.slice(0, headEnd);
    const status = Number(head.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
    const start = headEnd + 4;
    const content = /^transfer-encoding: *chunked$/im.test(head)
      ? decodeChunks(text, start)
      : contentOfLength(text, start, status === 304 ? 0 : Number(/^content-length: *(\d+)$/im.exec(head)?.[1]));
    if (Number.isNaN(content.end)) throw new Error(`the length of the response is not known: ${JSON.stringify(head)}`);
    this.#needed = content.end;
    if (content.body === null) return null;
    this.#needed = 0;
    this.#text = text.slice(content.end);
    return { status, head, body: content.body };
  }
}

interface Content {
  /** `null` if it is not complete. */
  readonly body: string | null;
  /** Where it ends, as far as that is known. */
  readonly end: number;
}

/** RFC 9110 §15.4.5: a 304 ends with its head, whatever its Content-Length. */
function contentOfLength(text: string, start: number, length: number): Content {
  const end = start + length;
  return { body: text.length < end ? null : text.slice(start, end), end };
}

/** RFC 9112 §7.1, without trailers. */
function decodeChunks(text: string, start: number): Content {
  let body = "";
  for (let at = start; ;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === -1) return { body: null, end: text.length + 1 };
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (!(text.length >= end)) return { body: null, end };
    if (size === 0) return { body, end };
    body += text.slice(lineEnd + 2, end - 2);
    at = end;
  }
}
