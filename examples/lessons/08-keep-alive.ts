/**
 * 08 One loop, connections that stay open, and Content-Length in bytes.
 *
 * The system reports to the loop which sockets have bytes (epoll), so idle connections cost nothing and can stay open. Then the end
 * of the connection no longer ends the response: Content-Length does. It counts bytes. The two characters of 你好 are six
 * bytes; the length of the string would cut the page off.
 *
 *     $ node 08-keep-alive.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl -w 'new connections: %{num_connects}\n' http://127.0.0.1:7788/ http://127.0.0.1:7788/
 *     你好
 *     new connections: 1
 *     你好
 *     new connections: 0
 */
import { createServer } from "node:net";

const content = Buffer.from("你好\n");
const response = Buffer.concat([
  Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${content.length}\r\n\r\n`,
  ),
  content,
]);

const server = createServer((socket) => {
  let received = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (data) => {
    received += data.toString("latin1");
    // A segment may hold half a request, or two of them.
    for (let end = received.indexOf("\r\n\r\n"); end !== -1; end = received.indexOf("\r\n\r\n")) {
      received = received.slice(end + 4);
      socket.write(response);
    }
  });
});
const port = Number(process.argv[2] ?? 7788);
server.listen(port, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${port}/`);
});

/**
 * Exercise: use the number of characters in place of the number of bytes, and look at what curl prints.
 * Question: which header field lets a client end the connection after a response?
 */
