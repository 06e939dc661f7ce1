/**
 * 07 Polling.
 *
 * One thread can serve many clients if no read blocks it. The simplest way asks every socket in turn whether it has bytes. It
 * works, and it is slow: the loop costs time for every client that is silent.
 *
 *     $ node 07-polling.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/
 *     found by asking … times
 */
import { createServer, type Socket } from "node:net";

const sockets = new Set<Socket>();
let reads = 0;

function poll(): void {
  for (const socket of sockets) {
    reads += 1;
    // null: there are no bytes yet.
    if (socket.read() === null) continue;
    sockets.delete(socket);
    socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfound by asking ${reads} times\n`);
  }
}

const server = createServer((socket) => {
  sockets.add(socket);
  socket.on("error", () => socket.destroy());
  socket.once("close", () => sockets.delete(socket));
});
const port = Number(process.argv[2] ?? 7788);
server.listen(port, "127.0.0.1", () => {
  setInterval(poll, 10);
  console.log(`http://127.0.0.1:${port}/`);
});

/**
 * Exercise: open a hundred idle connections, and print how often the loop asks in a second.
 * Question: what does epoll do in place of this loop, and who calls it in Node?
 */
