/** The same on node:http, with ws for WebSockets. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import * as ws from "ws";
import { z } from "zod";
import { KEEP_ALIVE_MS, portOf, ready } from "./control.ts";
import * as content from "./stream-content.ts";

const subscribers = new Set<ServerResponse>();

// The types of ws leave it out.
const { Sender } = ws as unknown as { readonly Sender: { frame(data: Buffer, options: object): Buffer[] } };

const Message = z.object({ text: z.string() });

/** The connections of the WebSockets of a broadcast. */
const announced = new Set<Duplex>();

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
    case "/announce": {
      // One frame for all, past the senders of ws, which would make one for each.
      const frame = Buffer.concat(Sender.frame(Buffer.from(content.MESSAGE), { fin: true, opcode: 1 }));
      for (const connection of announced) connection.write(frame);
      send(response, "announced");
      return;
    }
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
const sockets = new ws.WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (client) => {
    switch (request.url ?? "") {
      case "/schema":
        client.on("message", (data: Buffer) => {
          const message = Message.safeParse(JSON.parse(data.toString()));
          if (message.success) client.send(JSON.stringify(message.data));
          else client.close(4007);
        });
        break;
      case "/announcements":
        announced.add(socket);
        client.once("close", () => announced.delete(socket));
        break;
      default:
        client.on("message", (data, binary) => client.send(data, { binary }));
    }
  });
});
server.listen(0, "127.0.0.1", () => ready(portOf(server.address())));
