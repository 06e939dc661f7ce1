/**
 * 05 A process for each client.
 *
 * The oldest way to serve many clients: the parent accepts a connection and passes it to a child, so no client waits for another one. A
 * child costs tens of megabytes and tens of milliseconds, so a thousand clients are too many.
 *
 *     $ node 05-process-per-client.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/
 *     from a child, not from the parent
 */
import { fork } from "node:child_process";
import { createServer, type Socket } from "node:net";

if (process.send === undefined) {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = fork(import.meta.filename, [String(process.pid)]);
    // The child has its own descriptor then, as after fork() in Python: the parent closes its copy.
    child.send("client", socket, () => socket.destroy());
  });
  const port = Number(process.argv[2] ?? 7788);
  server.listen(port, "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${port}/`);
  });
} else {
  const isChild = process.argv[2] !== String(process.pid);
  process.once("message", (_word, socket: Socket) => {
    socket.once("data", () => {
      const text = isChild ? "from a child, not from the parent\n" : "from the parent\n";
      socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${text}`, () => process.exit());
    });
    socket.resume();
  });
}

/**
 * Exercise: keep four children and pass each new connection to the next one.
 * Question: what happens to the connection if the parent does not close its copy of the descriptor?
 */
