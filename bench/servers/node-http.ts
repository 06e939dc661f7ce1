/** node:http or node:https without a framework; files are streamed. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { basename, join } from "node:path";
import { KEEP_ALIVE_MS, portOf, ready, root, tls } from "./control.ts";

const handle = (request: IncomingMessage, response: ServerResponse) => {
  const { url = "/" } = request;
  if (url === "/json") {
    sendJson(response, { message: "Hello, world!" });
  } else if (url === "/echo") {
    echo(request, response);
  } else if (url.startsWith("/files/")) {
    void sendFile(join(root, "files", basename(url)), response);
  } else {
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": 13 });
    response.end("Hello, world!");
  }
};
const options = { keepAliveTimeout: KEEP_ALIVE_MS };
const server = tls === null ? createServer(options, handle) : createHttpsServer({ ...options, ...tls }, handle);
server.listen(0, "127.0.0.1", () => ready(portOf(server.address())));

function sendJson(response: ServerResponse, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

function echo(request: IncomingMessage, response: ServerResponse): void {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => sendJson(response, JSON.parse(Buffer.concat(pieces).toString())));
}

async function sendFile(path: string, response: ServerResponse): Promise<void> {
  const { size } = await stat(path);
  response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": size });
  createReadStream(path).pipe(response);
}
