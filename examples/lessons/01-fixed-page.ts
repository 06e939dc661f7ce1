/**
 * 01 A fixed page over a raw socket, and its raw client.
 *
 * An HTTP server reads bytes from a TCP connection and writes bytes back. This one ignores the request: every client gets the
 * same status line, one header field, an empty line and the content. The client is the same idea from the other end.
 *
 *     $ node 01-fixed-page.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/any/path
 *     hello world
 *     $ node 01-fixed-page.ts 7788 'GET / HTTP/1.1'
 *     HTTP/1.1 200 OK
 *     Content-Type: text/plain
 *
 *     hello world
 */
import { connect, createServer } from "node:net";

const [port = "7788", request] = process.argv.slice(2);

if (request === undefined) {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => {
      socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello world\n");
    });
  });
  server.listen(Number(port), "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${port}/`);
  });
} else {
  const socket = connect(Number(port), "127.0.0.1");
  // The shell passes \r\n as four characters.
  socket.write(`${request.replaceAll(String.raw`\r\n`, "\r\n")}\r\n\r\n`);
  socket.pipe(process.stdout);
}

/**
 * Exercise: print each request with the address of its client, as the server sees them.
 * Question: the response has no Content-Length; how does the client know that it is complete?
 */
