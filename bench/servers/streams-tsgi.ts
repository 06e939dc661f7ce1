/** The application of `bench/streams.ts` on the server that the first argument names: `socket` or `node`. An App has WebSockets of JSON. */
import { setImmediate } from "node:timers/promises";
import type { Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { App } from "@tsgi/framework";
import { localTopics, webSocket } from "@tsgi/framework/streams";
import { eventStream } from "@tsgi/gateway-spec/events";
import { serve as serveNode } from "@tsgi/server/node";
import { serve as serveSocket } from "@tsgi/server/socket";
import { z } from "zod";
import { KEEP_ALIVE_MS, ready } from "./control.ts";
import * as content from "./stream-content.ts";

/** More than the longest upload of the bench. */
const MAX_BODY_BYTES = 128 * 2 ** 20;

/** Each published event settles a promise, whose value is the promise of the next event: a slow stream misses none. */
interface Published {
  readonly next: Pending;
}
type Pending = PromiseWithResolvers<Published>;

let pending: Pending = Promise.withResolvers();

function publish(): void {
  const next: Pending = Promise.withResolvers();
  pending.resolve({ next });
  pending = next;
}

async function* events(): AsyncGenerator<string> {
  let waiting = pending;
  for (;;) {
    yield content.EVENT_DATA;
    ({ next: waiting } = await waiting.promise);
  }
}

// oxlint-disable-next-line typescript/require-await -- the body of a response is an async iterable
async function* repeated<T>(piece: T, count: number): AsyncGenerator<T> {
  for (let sent = 0; sent < count; sent += 1) yield piece;
}

async function* apart(): AsyncGenerator<string> {
  for (let sent = 0; sent < content.TURN_PIECES; sent += 1) {
    await setImmediate();
    yield content.SMALL_PIECE;
  }
}

async function count({ body }: IncomingRequest): Promise<OutgoingResponse> {
  let bytes = 0;
  for await (const piece of body ?? []) bytes += piece.length;
  return text(String(bytes));
}

const text = (body: NonNullable<OutgoingResponse["body"]>): OutgoingResponse => ({
  status: 200,
  headers: { "content-type": "text/plain" },
  body,
});

const Message = z.object({ text: z.string() });
const topics = localTopics();
const app = new App({ security: false });
webSocket(app, "/schema", { receive: Message, send: Message }, async ({ socket }) => {
  for await (const message of socket.messages) await socket.send(message);
});
webSocket(app, "/announcements", { receive: Message, send: Message }, async ({ socket }) => {
  const unsubscribe = topics.subscribe("news", (text) => void socket.send({ text }).catch(unsubscribe));
  for await (const { text } of socket.messages) await topics.publish("news", text);
  unsubscribe();
});

const application: Handler = (request, exchange) => {
  switch (exchange.target) {
    case "/small":
      return text(repeated(content.SMALL_PIECE, content.SMALL_PIECES));
    case "/turns":
      return text(apart());
    case "/download":
      return text(repeated(content.DOWNLOAD_PIECE, content.DOWNLOAD_PIECES));
    case "/count":
      return count(request);
    case "/events":
      return eventStream(events(), { draining: exchange.draining });
    case "/publish":
      publish();
      return text("published");
    case "/schema":
    case "/announcements":
      return app.fetch(request, exchange);
    case "/announce":
      void topics.publish("news", content.MESSAGE_TEXT);
      return text("announced");
    case "/echo": {
      const upgrade = exchange.upgradeWebSocket?.();
      if (upgrade === undefined) return { status: 426 };
      const { socket, response } = upgrade;
      socket.binaryType = "arraybuffer";
      socket.addEventListener("message", ({ data }) => socket.send(data as string | ArrayBuffer));
      return response;
    }
    default:
      return text("ok");
  }
};

const serve = process.argv[2] === "node" ? serveNode : serveSocket;
const server = await serve(application, { keepAliveTimeoutMs: KEEP_ALIVE_MS, maxBodyBytes: MAX_BODY_BYTES });
ready(Number(new URL(server.url).port));
