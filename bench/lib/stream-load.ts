/**
 * The workloads of `bench/streams.ts` and their load: a client in Node, which runs as a process of its own. It measures the processor
 * time of the server between two moments without a request in progress.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { WebSocket } from "ws";
import {
  DOWNLOAD_PIECE,
  DOWNLOAD_PIECES,
  EVENT_END,
  MESSAGE,
  SMALL_PIECE,
  SMALL_PIECES,
  TURN_PIECES,
} from "../servers/stream-content.ts";
import { pinSelf } from "./machine.ts";
import { cpuMilliseconds } from "./process-tree.ts";

const TIMEOUT_MS = 20_000;
const POLL_MS = 10;
/** A server may wait for the load or for other processes: a run ends after this multiple of the processor time at the latest. */
const MOST_WAIT = 10;
/** Concurrent handshakes, well below the backlog of a listening socket. */
const OPENING_AT_ONCE = 50;
const MEGABYTE = 2 ** 20;
const LAST_CHUNK = "0\r\n\r\n";

/** Does one step at the server, such as a request and its response. @returns the units of the step. */
export type Step = () => Promise<number>;

interface Opened {
  /** They run at the same time; each repeats its step. */
  readonly steps: readonly Step[];
  readonly close: () => void;
}

export interface StreamWorkload {
  readonly name: string;
  readonly title: string;
  /** What the processor time is divided by. */
  readonly unit: string;
  /** Connections. */
  readonly clients: number;
  readonly open: (port: number, clients: number) => Promise<Opened>;
}

export const STREAM_WORKLOADS: readonly StreamWorkload[] = [
  {
    name: "small",
    title: "response of 100 pieces of 100 B",
    unit: "response",
    clients: 16,
    open: requests(head("GET", "/small"), LAST_CHUNK, {
      path: "/small",
      content: SMALL_PIECE.repeat(SMALL_PIECES),
    }),
  },
  {
    name: "turns",
    title: "20 pieces of 100 B, a turn of the event loop apart",
    unit: "response",
    clients: 16,
    open: requests(head("GET", "/turns"), LAST_CHUNK, { path: "/turns", content: SMALL_PIECE.repeat(TURN_PIECES) }),
  },
  {
    name: "download",
    title: "download of 1 MB in pieces of 64 KB",
    unit: "MB",
    clients: 4,
    open: requests(head("GET", "/download"), LAST_CHUNK, {
      path: "/download",
      content: Buffer.from(DOWNLOAD_PIECE).toString("latin1").repeat(DOWNLOAD_PIECES),
    }),
  },
  upload("upload", 1, 4),
  upload("upload-100", 100, 1),
  {
    name: "chunked",
    title: "chunked request of 16 × 4 KB",
    unit: "request",
    clients: 16,
    open: requests(
      `${head("POST", "/count", "Transfer-Encoding: chunked")}${`1000\r\n${"c".repeat(4096)}\r\n`.repeat(16)}${LAST_CHUNK}`,
      `\r\n\r\n${16 * 4096}`,
    ),
  },
  {
    name: "connection",
    title: "a new connection for each request",
    unit: "request",
    clients: 16,
    open: (port, clients) => Promise.resolve({ steps: repeat(clients, () => requestAlone(port)), close: () => {} }),
  },
  ...[1, 100, 1000].map((clients) => webSocketEcho(16, clients)),
  ...[1, 100, 1000].map((clients) => webSocketEcho(64 * 1024, clients)),
  {
    name: "echo-schema",
    title: "WebSocket echo of 100 B of JSON that a schema checks, 100 sockets",
    unit: "message",
    clients: 100,
    open: echoes("/schema", MESSAGE),
  },
  {
    name: "broadcast",
    title: "a message of 100 B to 1,000 WebSockets",
    unit: "message delivered",
    clients: 1000,
    open: openBroadcast,
  },
  ...[1000, 10_000].map((clients) => ({
    name: `events-${clients}`,
    title: `an event of 100 B to ${clients.toLocaleString("en-GB")} event streams`,
    unit: "event delivered",
    clients,
    open: openEvents,
  })),
];

/** Repeats one request on persistent connections. The server's response ends with `end`, which is nowhere else in it. */
function requests(
  bytes: string,
  end: string,
  checked?: { readonly path: string; readonly content: string },
): StreamWorkload["open"] {
  const request = Buffer.from(bytes, "latin1");
  return async (port, clients) => {
    if (checked !== undefined) {
      const content = await (await fetch(`http://127.0.0.1:${port}${checked.path}`)).text();
      if (content !== checked.content) throw new Error(`the content of ${checked.path} is not the expected one`);
    }
    const connections = await openAll(clients, () => Connection.open(port));
    const steps = connections.map((connection) => async () => {
      await connection.send(request, end);
      return 1;
    });
    return { steps, close: () => closeAll(connections) };
  };
}

function upload(name: string, megabytes: number, clients: number): StreamWorkload {
  const length = megabytes * MEGABYTE;
  return {
    name,
    title: `upload of ${megabytes} MB`,
    unit: "MB",
    clients,
    open: async (port) => {
      const request = Buffer.concat([
        Buffer.from(head("POST", "/count", `Content-Length: ${length}`)),
        Buffer.alloc(length, "u"),
      ]);
      const connections = await openAll(clients, () => Connection.open(port));
      const steps = connections.map((connection) => async () => {
        await connection.send(request, `\r\n\r\n${length}`);
        return megabytes;
      });
      return { steps, close: () => closeAll(connections) };
    },
  };
}

async function requestAlone(port: number): Promise<number> {
  const connection = await Connection.open(port);
  await connection.send(Buffer.from(head("GET", "/", "Connection: close")), "\r\n\r\nok");
  connection.close();
  return 1;
}

function webSocketEcho(bytes: number, clients: number): StreamWorkload {
  const size = bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KB`;
  const message = bytes < 1024 ? "m".repeat(bytes) : Buffer.alloc(bytes, "m");
  return {
    name: `echo-${size.replace(" ", "").toLowerCase()}-${clients}`,
    title: `WebSocket echo of ${size}, ${clients === 1 ? "1 socket" : `${clients.toLocaleString("en")} sockets`}`,
    unit: "message",
    clients,
    open: echoes("/echo", message),
  };
}

function echoes(path: string, message: string | Buffer): StreamWorkload["open"] {
  return async (port, clients) => {
    const sockets = await openAll(clients, () => openWebSocket(port, path));
    const steps = sockets.map((socket) => async () => {
      const echoed = nextMessage(socket, message.length);
      socket.send(message);
      await echoed;
      return 1;
    });
    return { steps, close: () => terminateAll(sockets) };
  };
}

/** Announces a message when all sockets have received the one before. */
async function openBroadcast(port: number, clients: number): Promise<Opened> {
  const publisher = await Connection.open(port);
  const announce = Buffer.from(head("POST", "/announce", "Content-Length: 0"));
  const sockets = await openAll(clients, () => openWebSocket(port, "/announcements"));
  const step = async () => {
    const received = sockets.map((socket) => nextMessage(socket, MESSAGE.length));
    await publisher.send(announce, "announced");
    await Promise.all(received);
    return clients;
  };
  const close = () => {
    publisher.close();
    terminateAll(sockets);
  };
  return { steps: [step], close };
}

async function openWebSocket(port: number, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false });
  await once(socket, "open");
  return socket;
}

async function nextMessage(socket: WebSocket, bytes: number): Promise<void> {
  const [data] = (await once(socket, "message", { signal: AbortSignal.timeout(TIMEOUT_MS) })) as [Buffer];
  if (data.length !== bytes) throw new Error(`a message of ${bytes} B arrived with ${data.length} B`);
}

function terminateAll(sockets: readonly WebSocket[]): void {
  for (const socket of sockets) socket.terminate();
}

/** Publishes an event when all streams have received the one before. */
async function openEvents(port: number, clients: number): Promise<Opened> {
  const publisher = await Connection.open(port);
  const publish = Buffer.from(head("POST", "/publish", "Content-Length: 0"));
  const subscribe = Buffer.from(head("GET", "/events"));
  const streams = await openAll(clients, async () => {
    const stream = await Connection.open(port);
    await stream.send(subscribe, EVENT_END);
    return stream;
  });
  const step = async () => {
    const received = streams.map((stream) => stream.until(EVENT_END));
    await publisher.send(publish, "published");
    await Promise.all(received);
    return clients;
  };
  return { steps: [step], close: () => closeAll([publisher, ...streams]) };
}

/** A connection that waits for one text at a time. */
class Connection {
  readonly #socket: Socket;
  #end = "";
  /** The last bytes received, as many as `#end` has at most. */
  #tail = "";
  #waiting: PromiseWithResolvers<void> | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(TIMEOUT_MS, () => this.#fail(new Error(`the server sent nothing for ${TIMEOUT_MS / 1000} s`)));
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Connection(socket);
  }

  /** Sends a request; fulfils when the response has ended with `end`. */
  send(bytes: Buffer, end: string): Promise<void> {
    const received = this.until(end);
    this.#socket.write(bytes);
    return received;
  }

  /** Fulfils when `end` was received as the last bytes, or, if it is one byte, anywhere. */
  until(end: string): Promise<void> {
    this.#end = end;
    this.#tail = "";
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    const { length } = this.#end;
    if (length === 1) {
      if (bytes.includes(this.#end)) this.#succeed();
      return;
    }
    this.#tail = (this.#tail + bytes.toString("latin1", Math.max(0, bytes.length - length))).slice(-length);
    if (this.#tail === this.#end) this.#succeed();
  }

  #succeed(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = null;
    this.#socket.destroy();
  }
}

function closeAll(connections: readonly Connection[]): void {
  for (const connection of connections) connection.close();
}

async function openAll<T>(count: number, open: () => Promise<T>): Promise<readonly T[]> {
  const opened: T[] = [];
  while (opened.length < count) {
    opened.push(
      ...(await Promise.all(repeat(Math.min(OPENING_AT_ONCE, count - opened.length), open).map((one) => one()))),
    );
  }
  return opened;
}

function repeat<T>(count: number, value: T): readonly T[] {
  return Array.from({ length: count }, () => value);
}

function head(method: string, path: string, ...fields: readonly string[]): string {
  return [`${method} ${path} HTTP/1.1`, "Host: 127.0.0.1", ...fields, "", ""].join("\r\n");
}

/**
 * Repeats all steps, at least once each, until the server has used some processor time: on a shared machine, one second of the clock
 * may be a tenth of a second of the server. @returns the units of the steps.
 */
export async function runUntilUsed(milliseconds: number, pid: number, steps: readonly Step[]): Promise<number> {
  const usedAtEnd = cpuMilliseconds(pid) + milliseconds;
  const timeout = performance.now() + milliseconds * MOST_WAIT;
  const end = new AbortController();
  if (milliseconds === 0) end.abort();
  const timer = setInterval(() => {
    if (cpuMilliseconds(pid) >= usedAtEnd || performance.now() >= timeout) end.abort();
  }, POLL_MS);
  let units = 0;
  const client = async (step: Step) => {
    do {
      const done = await step();
      units += done;
    } while (!end.signal.aborted);
  };
  try {
    await Promise.all(steps.map(client));
  } finally {
    clearInterval(timer);
  }
  return units;
}

/** What the bench asks this process for. */
export interface LoadRequest {
  readonly workload: string;
  readonly clients: number;
  /** Of the server. */
  readonly pid: number;
  readonly port: number;
  /** Processor time of the server before the measurement. */
  readonly warmUpMs: number;
  /** Processor time of the server that is measured. */
  readonly measuredMs: number;
}

export type LoadReply = { readonly cpuMilliseconds: number; readonly units: number } | { readonly error: string };

async function load({ workload, clients, pid, port, warmUpMs, measuredMs }: LoadRequest): Promise<LoadReply> {
  const found = STREAM_WORKLOADS.find(({ name }) => name === workload);
  if (found === undefined) throw new Error(`no workload of the name "${workload}"`);
  const { steps, close } = await found.open(port, clients);
  try {
    await runUntilUsed(warmUpMs, pid, steps);
    const before = cpuMilliseconds(pid);
    const units = await runUntilUsed(measuredMs, pid, steps);
    return { cpuMilliseconds: cpuMilliseconds(pid) - before, units };
  } finally {
    close();
  }
}

if (import.meta.main) {
  const [core] = process.argv.slice(2);
  if (core !== undefined) pinSelf(Number(core));
  process.on("message", (request: LoadRequest) => {
    void load(request)
      .catch((error: unknown) => ({ error: String(error) }))
      .then((reply: LoadReply) => process.send?.(reply));
  });
}
