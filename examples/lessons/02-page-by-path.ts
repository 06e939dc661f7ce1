/**
 * 02 A page by path.
 *
 * The first line of a request has the method, the target and the version. A server that reads the target can choose a page, and
 * say 404 where it has none.
 *
 *     $ node 02-page-by-path.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/about
 *     about us
 *     $ curl -i http://127.0.0.1:7788/nowhere
 *     HTTP/1.1 404 Not Found
 *     Content-Type: text/plain
 *     Connection: close
 *
 *     no such page
 */
import { createServer } from "node:net";

const pages: ReadonlyMap<string, string> = new Map([
  ["/", "welcome"],
  ["/about", "about us"],
]);

const server = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (data) => {
    const [, path = ""] = /^GET ([^ ?]+)/.exec(data.toString("latin1")) ?? [];
    const page = pages.get(path);
    const status = page === undefined ? "404 Not Found" : "200 OK";
    socket.end(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${page ?? "no such page"}\n`,
    );
  });
});
const port = Number(process.argv[2] ?? 7788);
server.listen(port, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${port}/`);
});

/**
 * Exercise: respond 405 with an Allow field to a POST.
 * Question: what happens if the first line arrives in two TCP segments?
 */
