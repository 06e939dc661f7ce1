/**
 * 06 Threads that listen on one port.
 *
 * Threads are cheaper than processes. With SO_REUSEPORT each of them has a listening socket of its own on the same port, and the
 * system distributes the connections. This option works on Linux.
 *
 *     $ node 06-threads.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/
 *     thread …
 */
import { once } from "node:events";
import { createServer } from "node:net";
import { isMainThread, parentPort, threadId, Worker } from "node:worker_threads";

const port = Number(process.argv[2] ?? 7788);
if (isMainThread) {
  const threads = Array.from({ length: 4 }, () => new Worker(import.meta.filename, { argv: [String(port)] }));
  await Promise.all(threads.map((thread) => once(thread, "message")));
  console.log(`http://127.0.0.1:${port}/`);
} else {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthread ${threadId}\n`);
    });
  });
  server.listen({ port, host: "127.0.0.1", reusePort: true }, () => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads, not a window
    parentPort?.postMessage("listening");
  });
}

/**
 * Exercise: count the requests of each thread, and print the counts after a thousand requests.
 * Question: JavaScript threads share no variables; where does a counter of all requests live?
 */
