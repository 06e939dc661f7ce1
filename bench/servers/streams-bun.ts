/** The same on Bun's own server; this file runs in Bun. */
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { KEEP_ALIVE_MS, ready } from "./control.ts";
import * as content from "./stream-content.ts";

interface BunServer {
  readonly port: number;
  upgrade(request: Request, options: { readonly data: string }): boolean;
  publish(topic: string, message: string): void;
}

interface BunSocket {
  /** The path. */
  readonly data: string;
  subscribe(topic: string): void;
  close(code: number): void;
  send(message: string | Uint8Array): void;
}

/** The part of Bun's API that this file uses. */
declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout: number;
    fetch(request: Request, server: BunServer): Response | Promise<Response> | undefined;
    websocket: {
      open(socket: BunSocket): void;
      message(socket: BunSocket, message: string | Uint8Array): void;
    };
  }): BunServer;
  gc(synchronously: boolean): void;
};

/** Bun also streams text and async iterables, which the types of the platform do not have. */
type Streamed = ReadableStream<Uint8Array<ArrayBuffer>>;

const Message = z.object({ text: z.string() });

const subscribers = new Set<ReadableStreamDefaultController<string>>();

const stream = (pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>): Response =>
  new Response(pieces as unknown as Streamed, { headers: { "content-type": "text/plain" } });

// oxlint-disable-next-line typescript/require-await -- Bun streams an async iterable
async function* repeated(piece: string | Uint8Array, count: number): AsyncGenerator<string | Uint8Array> {
  for (let sent = 0; sent < count; sent += 1) yield piece;
}

async function* apart(): AsyncGenerator<string> {
  for (let sent = 0; sent < content.TURN_PIECES; sent += 1) {
    await setImmediate();
    yield content.SMALL_PIECE;
  }
}

async function count(request: Request): Promise<Response> {
  let bytes = 0;
  const pieces: AsyncIterable<Uint8Array> | null = request.body;
  for await (const piece of pieces ?? []) bytes += piece.length;
  return new Response(String(bytes));
}

function subscribe(): Response {
  let subscriber: ReadableStreamDefaultController<string>;
  const events = new ReadableStream<string>({
    start(controller) {
      subscriber = controller;
      controller.enqueue(content.EVENT);
      subscribers.add(controller);
    },
    cancel: () => void subscribers.delete(subscriber),
  });
  return new Response(events as unknown as Streamed, { headers: { "content-type": "text/event-stream" } });
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: KEEP_ALIVE_MS / 1000,
  fetch(request, server) {
    switch (new URL(request.url).pathname) {
      case "/small":
        return stream(repeated(content.SMALL_PIECE, content.SMALL_PIECES));
      case "/turns":
        return stream(apart());
      case "/download":
        return stream(repeated(content.DOWNLOAD_PIECE, content.DOWNLOAD_PIECES));
      case "/count":
        return count(request);
      case "/events":
        return subscribe();
      case "/publish":
        for (const subscriber of subscribers) subscriber.enqueue(content.EVENT);
        return new Response("published");
      case "/announce":
        server.publish("news", content.MESSAGE);
        return new Response("announced");
      case "/echo":
      case "/schema":
      case "/announcements":
        return server.upgrade(request, { data: new URL(request.url).pathname })
          ? undefined
          : new Response(null, { status: 426 });
      default:
        return new Response("ok", { headers: { "content-type": "text/plain" } });
    }
  },
  websocket: {
    open: (socket) => {
      if (socket.data === "/announcements") socket.subscribe("news");
    },
    message: (socket, message) => {
      if (socket.data !== "/schema") {
        socket.send(message);
        return;
      }
      const checked = Message.safeParse(JSON.parse(message as string));
      if (checked.success) socket.send(JSON.stringify(checked.data));
      else socket.close(4007);
    },
  },
});
ready(server.port, () => Bun.gc(true));
