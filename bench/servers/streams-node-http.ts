/** The same on node:http, with ws for WebSockets. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { KEEP_ALIVE_MS, portOf, ready } from "./control.ts";
import * as content from "./stream-content.ts";

const subscribers = new Set<ServerResponse>();

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader("content-type", "text/plain");
  const { url = "/" } = request;
  switch (url) {
    case "/small":
      for (let sent = 0; sent < content.SMALL_PIECES; sent += 1) response.write(content.SMALL_PIECE);
      response.end();
      return;
    case "/turns":
      for (let sent = 0; sent < content.TURN_PIECES; sent += 1) {
        await setImmediate();
        response.write(content.SMALL_PIECE);
      }
      response.end();
      return;
    case "/download":
      for (let sent = 0; sent < content.DOWNLOAD_PIECES; sent += 1) {
        if (!response.write(content.DOWNLOAD_PIECE)) await once(response, "drain");
      }
      response.end();
      return;
    case "/count": {
      let bytes = 0;
      for await (const piece of request as AsyncIterable<Buffer>) bytes += piece.length;
      send(response, String(bytes));
      return;
    }
    case "/events":
      subscribers.add(response);
      response.once("close", () => subscribers.delete(response));
      response.setHeader("content-type", "text/event-stream");
      response.write(content.EVENT);
      return;
    case "/publish":
      for (const subscriber of subscribers) subscriber.write(content.EVENT);
      send(response, "published");
      return;
    default:
      send(response, "ok");
  }
}

function send(response: ServerResponse, text: string): void {
  response.setHeader("content-length", text.length);
  response.end(text);
}

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  respond(request, response).catch(() => response.destroy());
});
new WebSocketServer({ server, path: "/echo" }).on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
server.listen(0, "127.0.0.1", () => ready(portOf(server.address())));
