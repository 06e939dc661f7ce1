/**
 * Clients that repeat nothing: each request must get its own whole response on the connection that carried it. A server may close an
 * idle connection, and one after a response that says `Connection: close`; everything else is a loss.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Load {
  /** Resolves after so many further responses, and where one is lost. */
  further(responses: number): Promise<void>;
  /** Ends the load when every request under way has its response. @returns what was lost, a line each. */
  stop(): Promise<readonly string[]>;
}

/** How many clients of each kind. Each one waits a little between its requests, so that the load is bounded. */
export interface LoadOptions {
  readonly keepAlive: number;
  readonly pipelined: number;
  readonly fresh: number;
  readonly slow: number;
  readonly uploads: number;
  readonly idle: number;
}

const PIPELINE_DEPTH = 8;
const UPLOAD_PIECES = 10;

export function startLoad(port: number, options: LoadOptions): Load {
  const state = { stopped: false, responses: 0, serial: 0 };
  const lost: string[] = [];
  let awaited: { readonly responses: number; readonly resolve: () => void } | null = null;
  const target = (path: string) => `${path}?${state.serial++}`;

  /** Sends requests until the load stops, on a new connection whenever the server has announced the end of the old one. */
  async function loop(kind: string, work: (connection: Connection) => Promise<void>, isFresh = false): Promise<void> {
    let connection: Connection | null = null;
    while (!state.stopped) {
      try {
        if (connection === null || connection.isOver) connection = await Connection.open(port);
        await work(connection);
        if (isFresh) {
          connection.close();
          connection = null;
        }
      } catch (error) {
        lost.push(`${kind}: ${error instanceof Error ? error.message : String(error)}`);
        awaited?.resolve();
        connection?.close();
        connection = null;
      }
    }
    connection?.close();
  }

  async function get(connection: Connection, path: string): Promise<void> {
    const sent = target(path);
    connection.send(`GET ${sent} HTTP/1.1\r\nHost: test.localhost\r\n\r\n`);
    await expectBody(connection, sent);
  }

  async function expectBody(connection: Connection, expected: string): Promise<void> {
    const body = await connection.receive();
    if (body !== expected) throw new Error(`sent ${expected}, received ${body}`);
    if (++state.responses === awaited?.responses) awaited.resolve();
  }

  const kinds: Readonly<Record<keyof LoadOptions, () => Promise<void>>> = {
    keepAlive: () =>
      loop("keep-alive", async (connection) => {
        await get(connection, "/");
        await sleep(5);
      }),
    pipelined: () =>
      loop("pipelined", async (connection) => {
        const sent = Array.from({ length: PIPELINE_DEPTH }, () => target("/"));
        connection.send(sent.map((path) => `GET ${path} HTTP/1.1\r\nHost: test.localhost\r\n\r\n`).join(""));
        for (const path of sent) await expectBody(connection, path);
        await sleep(20);
      }),
    fresh: () =>
      loop(
        "new connection",
        async (connection) => {
          await get(connection, "/");
          await sleep(10);
        },
        true,
      ),
    slow: () => loop("slow response", (connection) => get(connection, "/slow")),
    uploads: () =>
      loop("upload", async (connection) => {
        const path = target("/upload");
        const piece = "x".repeat(1000);
        connection.send(
          `POST ${path} HTTP/1.1\r\nHost: test.localhost\r\nContent-Length: ${UPLOAD_PIECES * 1000}\r\n\r\n`,
        );
        for (let i = 0; i < UPLOAD_PIECES; i++) {
          await sleep(20);
          connection.send(piece);
        }
        await expectBody(connection, `${path} ${UPLOAD_PIECES * 1000}`);
      }),
    idle: () =>
      loop("idle", async (connection) => {
        await get(connection, "/");
        await sleep(Math.random() * 1500);
      }),
  };

  const loops = (Object.keys(kinds) as (keyof LoadOptions)[]).flatMap((kind) =>
    Array.from({ length: options[kind] }, () => kinds[kind]()),
  );
  return {
    further: (responses) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      awaited = { responses: state.responses + responses, resolve };
      return promise;
    },
    stop: async () => {
      state.stopped = true;
      await Promise.all(loops);
      return lost;
    },
  };
}

class Connection {
  readonly #socket: Socket;
  #received = "";
  #closing = false;
  #ended = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      this.#received += String(text);
      this.#notify();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#notify();
      });
    }
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Connection(socket);
  }

  /** Whether the server has announced its end, or has closed it while it was idle. */
  get isOver(): boolean {
    return this.#closing || this.#ended;
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** The content of the next response. */
  async receive(): Promise<string> {
    for (;;) {
      const headEnd = this.#received.indexOf("\r\n\r\n");
      if (headEnd !== -1) {
        const head = this.#received.slice(0, headEnd);
        const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
        const end = headEnd + 4 + length;
        if (this.#received.length >= end) {
          const body = this.#received.slice(headEnd + 4, end);
          this.#received = this.#received.slice(end);
          if (/^connection: close$/im.test(head)) this.#closing = true;
          if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(`received ${head.slice(0, 30)}`);
          return body;
        }
      }
      if (this.#ended) throw new Error("the connection ended before the response was whole");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
