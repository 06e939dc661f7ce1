/**
 * 09 A coroutine for each connection.
 *
 * An event handler keeps its state in variables outside of it. An async function keeps it in local variables: it reads like a
 * program for one client, and `await` gives the loop to the others.
 *
 *     $ node 09-coroutines.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/ http://127.0.0.1:7788/
 *     request 1 of this connection
 *     request 2 of this connection
 */
import { createServer, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";

async function converse(socket: Socket): Promise<void> {
  let requests = 0;
  let received = "";
  for await (const data of socket as AsyncIterable<Buffer>) {
    received += data.toString("latin1");
    for (let end = received.indexOf("\r\n\r\n"); end !== -1; end = received.indexOf("\r\n\r\n")) {
      received = received.slice(end + 4);
      requests += 1;
      // Stands for work that waits: a file, a database.
      await setImmediate();
      const content = `request ${requests} of this connection\n`;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`);
    }
  }
}

const server = createServer((socket) => {
  converse(socket).catch(() => socket.destroy());
});
const port = Number(process.argv[2] ?? 7788);
server.listen(port, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${port}/`);
});

/**
 * Exercise: end a connection after five requests, with `Connection: close` in the last response.
 * Question: a loop of a second without `await` stands in the function; what do the other clients see?
 */
