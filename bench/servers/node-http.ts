/** node:http, node:https or node:http2 without a framework; files are streamed. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { basename, join } from "node:path";
import { http2, KEEP_ALIVE_MS, portOf, ready, root, tls } from "./control.ts";
import { SLOW } from "./slow.ts";

const handle = (request: IncomingMessage, response: ServerResponse) => {
  const { url = "/" } = request;
  if (url === "/json") {
    sendJson(response, { message: "Hello, world!" });
  } else if (url === "/echo") {
    echo(request, response);
  } else if (url.startsWith("/files/")) {
    void sendFile(join(root, "files", basename(url)), response);
  } else {
    const slow = SLOW[url];
    if (slow === undefined) sendText(response, "Hello, world!");
    else void Promise.resolve(slow()).then((content) => sendText(response, content));
  }
};
const options = { keepAliveTimeout: KEEP_ALIVE_MS };
const server = listener();
server.listen(0, "127.0.0.1", () => ready(portOf(server.address())));

function listener() {
  if (tls === null) return createServer(options, handle);
  if (!http2) return createHttpsServer({ ...options, ...tls }, handle);
  // node:http2's compatibility API has the members that `handle` uses.
  return createSecureServer(tls, handle as unknown as (request: object, response: object) => void);
}

function sendText(response: ServerResponse, content: string): void {
  response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(content) });
  response.end(content);
}

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
  const size = await sizeOf(path);
  if (size === null) {
    response.writeHead(404, { "Content-Length": 0 });
    response.end();
    return;
  }
  response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": size });
  createReadStream(path).pipe(response);
}

/** `null` if there is no such file. */
async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch {
    return null;
  }
}
