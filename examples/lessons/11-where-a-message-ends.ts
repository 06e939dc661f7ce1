/**
 * 11 Where a message ends.
 *
 * TCP is a stream of bytes without borders. HTTP marks the end of the content in three ways: a length in bytes, chunks whose
 * last one is empty, or the end of the connection. Only the first two let a client notice that a part is missing.
 *
 *     $ node 11-where-a-message-ends.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/length http://127.0.0.1:7788/chunks http://127.0.0.1:7788/close
 *     one, two
 *     one, two
 *     one, two
 *     $ node 01-fixed-page.ts 7788 'GET /chunks HTTP/1.1'
 *     HTTP/1.1 200 OK
 *     Transfer-Encoding: chunked
 *
 *     5
 *     one,…
 *     4
 *     two
 *
 *     0
 */
import { createServer } from "node:net";

const responses: Readonly<Record<string, string>> = {
  "/length": "Content-Length: 9\r\n\r\none, two\n",
  "/chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\none, \r\n4\r\ntwo\n\r\n0\r\n\r\n",
  "/close": "Connection: close\r\n\r\none, two\n",
};

const server = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (data) => {
    const [, path = ""] = /^GET (\S+)/.exec(data.toString("latin1")) ?? [];
    socket.end(`HTTP/1.1 200 OK\r\n${responses[path] ?? "Content-Length: 0\r\n\r\n"}`);
  });
});
const port = Number(process.argv[2] ?? 7788);
server.listen(port, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${port}/`);
});

/**
 * Exercise: announce a length of 20 and send nine bytes; what does curl report, and what if `/close` sends less?
 * Question: a request ends in the first two ways only; why can a client not end its request by closing the connection?
 */
