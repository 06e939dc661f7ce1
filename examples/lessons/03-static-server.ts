/**
 * 03 A static server.
 *
 * The path names a file of one folder. The bytes of the file are the content: an image is not text. A path such as `/../secret`
 * must not leave the folder, so the server compares the resolved path with the folder before it reads.
 *
 *     $ node 03-static-server.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/news.html
 *     <!doctype html>
 *     <title>News</title>
 *     <h1>A file</h1>
 *     $ curl --path-as-is http://127.0.0.1:7788/../01-fixed-page.ts
 *     no such file
 *
 * The product does the same, with types, ranges and caching: `tsgi 7788 --static html`.
 */
import { readFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { resolve, sep } from "node:path";

const root = resolve(import.meta.dirname, "html");

async function respond(socket: Socket, path: string): Promise<void> {
  const file = resolve(root, `.${path.endsWith("/") ? `${path}index.html` : path}`);
  const content = file.startsWith(root + sep) ? await readFile(file).catch(() => null) : null;
  socket.write(`HTTP/1.1 ${content === null ? "404 Not Found" : "200 OK"}\r\nConnection: close\r\n\r\n`);
  socket.end(content ?? "no such file\n");
}

const server = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (data) => {
    const [, path = "/"] = /^GET ([^ ?]+)/.exec(data.toString("latin1")) ?? [];
    void respond(socket, path);
  });
});
const port = Number(process.argv[2] ?? 7788);
server.listen(port, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${port}/`);
});

/**
 * Exercise: send the Content-Type that fits the suffix of the file.
 * Question: a file name may have a space or a Chinese character; what does the path of the request have in its place?
 */
