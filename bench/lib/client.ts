/** A client that writes a workload's bytes unchanged, to check the responses before a measurement and to hold idle connections. */
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import type { Workload } from "../workloads.ts";

const TIMEOUT_MS = 10_000;

/** Concurrent handshakes, well below the backlog of a listening socket. */
const OPENING_AT_ONCE = 100;

/**
 * Sends each write of the workload once, and compares the responses with the expected ones.
 * @throws Error with what arrived instead.
 */
export async function checkResponses(port: number, workload: Workload): Promise<void> {
  const { writes, pipelined, status, content, contentType, tls } = workload;
  const reader = await ResponseReader.open(port, tls);
  try {
    for (const bytes of writes) {
      reader.socket.write(bytes, "latin1");
      for (let index = 0; index < pipelined; index++) {
        const { head, body } = await reader.next();
        if (!head.startsWith(`HTTP/1.1 ${status} `)) throw new Error(`The response head was ${JSON.stringify(head)}`);
        if (body !== content) throw new Error(`The content was ${JSON.stringify(body.slice(0, 200))}`);
        const type = field(head, "content-type");
        if (contentType !== "" && type?.startsWith(contentType) !== true)
          throw new Error(`The Content-Type was ${String(type)}`);
      }
    }
  } finally {
    reader.socket.destroy();
  }
}

/** Opens idle connections that have received one response each. */
export async function openIdle(port: number, { writes, tls }: Workload, count: number): Promise<readonly Socket[]> {
  const open: Socket[] = [];
  try {
    while (open.length < count) {
      const some = Math.min(OPENING_AT_ONCE, count - open.length);
      const readers = await Promise.all(Array.from({ length: some }, () => ResponseReader.open(port, tls)));
      open.push(...readers.map(({ socket }) => socket));
      await Promise.all(
        readers.map((reader) => {
          reader.socket.write(writes[0] ?? "", "latin1");
          return reader.next();
        }),
      );
    }
  } catch (error) {
    for (const socket of open) socket.destroy();
    throw error;
  }
  return open;
}

interface ReceivedResponse {
  readonly head: string;
  readonly body: string;
}

class ResponseReader {
  readonly socket: Socket;
  #text = "";
  #waits = false;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.setTimeout(TIMEOUT_MS);
    socket.on("timeout", () => {
      if (this.#waits) socket.destroy(new Error("The server sent nothing for 10 s"));
    });
    socket.on("data", (text: string) => {
      this.#text += text;
      this.#wake.resolve();
    });
    socket.on("error", (error) => this.#wake.reject(error));
    socket.on("close", () => this.#wake.reject(new Error("The server closed the connection")));
  }

  static async open(port: number, tls: boolean): Promise<ResponseReader> {
    const at = { port, host: "127.0.0.1" };
    const socket = tls ? connectTls({ ...at, rejectUnauthorized: false }) : connect(at);
    await once(socket, tls ? "secureConnect" : "connect");
    return new ResponseReader(socket);
  }

  async next(): Promise<ReceivedResponse> {
    const headEnd = await this.#find("\r\n\r\n");
    const head = this.#text.slice(0, headEnd);
    // RFC 9110 §15.4.5: a 304 ends with its head.
    const length = head.startsWith("HTTP/1.1 304 ") ? 0 : Number(field(head, "content-length"));
    if (!Number.isInteger(length)) throw new Error(`The response has no Content-Length: ${JSON.stringify(head)}`);
    const end = headEnd + 4 + length;
    while (this.#text.length < end) await this.#more();
    const body = this.#text.slice(headEnd + 4, end);
    this.#text = this.#text.slice(end);
    return { head, body };
  }

  async #find(mark: string): Promise<number> {
    for (;;) {
      const at = this.#text.indexOf(mark);
      if (at !== -1) return at;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    this.#wake = Promise.withResolvers();
    this.#waits = true;
    await this.#wake.promise;
    this.#waits = false;
  }
}

function field(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*)$`, "im").exec(head)?.[1]?.trim();
}
