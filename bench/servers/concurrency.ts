/**
 * The classic ways to serve many clients, each as a program that prints its port: `node concurrency.ts WAY`. Each connection brings one
 * request. Its handler waits for 10 ms, as for a database, and then responds; the connection ends with the response.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const WAIT_MS = 10;
const RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
const POLL_MS = 10;
const WORKERS = 2;

const handle = (): Promise<string> => delay(WAIT_MS, RESPONSE);

/** Reads the request and responds, with a coroutine for the connection. */
async function converse(socket: Socket, respond: () => Promise<string> = handle): Promise<void> {
  socket.on("error", () => socket.destroy());
  await Promise.race([once(socket, "data"), once(socket, "close")]);
  socket.end(await respond());
  await once(socket, "close");
}

/** A loop that serves all its connections. */
const events = (): Server =>
  createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => setTimeout(() => socket.end(RESPONSE), WAIT_MS));
  });

const WAYS: Readonly<Record<string, () => Server>> = {
  "one at a time": () => {
    let last: Promise<void> = Promise.resolve();
    return createServer({ pauseOnConnect: true }, (socket) => {
      last = last
        .then(() => {
          socket.resume();
          return converse(socket);
        })
        .catch(() => undefined);
    });
  },
  "process per client": () =>
    createServer({ pauseOnConnect: true }, (socket) => {
      const child = fork(import.meta.filename, ["client"]);
      child.send("client", socket, () => socket.destroy());
    }),
  /** Node passes no socket to a thread: the loop reads and writes, and the thread runs the handler of its client. */
  "thread per client": () =>
    createServer((socket) => {
      const thread = new Worker(import.meta.filename);
      converse(socket, async () => {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        thread.postMessage("request");
        const [response] = (await once(thread, "message")) as [string];
        return response;
      })
        .catch(() => undefined)
        .finally(() => void thread.terminate());
    }),
  polling: () => {
    const waiting = new Set<Socket>();
    setInterval(() => {
      for (const socket of waiting) {
        if (socket.read() === null) continue;
        waiting.delete(socket);
        setTimeout(() => socket.end(RESPONSE), WAIT_MS);
      }
    }, POLL_MS);
    return createServer((socket) => {
      waiting.add(socket);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => waiting.delete(socket));
    });
  },
  "one loop (epoll)": events,
  "one loop, coroutines": () =>
    createServer((socket) => {
      converse(socket).catch(() => undefined);
    }),
  prefork: () => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const children = Array.from({ length: WORKERS }, () => fork(import.meta.filename, ["worker"]));
      const sent = children.map((child) => new Promise((resolve) => void child.send("listen", server, {}, resolve)));
      // The parent owns the socket and accepts nothing.
      void Promise.all(sent).then(() => server.close());
    });
    return server;
  },
};

/** A child of "process per client" serves one client; one of "prefork" accepts on the socket that it inherits. */
function runChild(role: string): void {
  if (role === "client") {
    process.once("message", (_word, socket: Socket) => {
      void converse(socket).finally(() => process.exit());
      socket.resume();
    });
    return;
  }
  process.once("message", (_word, shared: Server) => {
    events().listen(shared);
  });
  process.once("disconnect", () => process.exit());
}

export const CONCURRENCY_WAYS: readonly string[] = Object.keys(WAYS);

if (!isMainThread) {
  parentPort?.on("message", () => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads, not a window
    void handle().then((response) => parentPort?.postMessage(response));
  });
} else if (import.meta.main) {
  const [way = ""] = process.argv.slice(2);
  if (process.send !== undefined && (way === "client" || way === "worker")) {
    runChild(way);
  } else {
    const server = WAYS[way]?.();
    if (server === undefined) throw new Error(`no way of the name "${way}": ${CONCURRENCY_WAYS.join(", ")}`);
    if (!server.listening) server.listen(0, "127.0.0.1");
    await once(server, "listening");
    console.log((server.address() as AddressInfo).port);
    process.stdin.resume().on("end", () => process.exit());
  }
}
