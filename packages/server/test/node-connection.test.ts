/** Timeouts of the node server: what counts as activity of a client. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { afterEach, expect, test, vi } from "vitest";
import { listen } from "../src/node-http/listen.ts";
import { DEFAULT_LIMITS } from "../src/options.ts";
import { turn } from "./accepted-sockets.ts";
import { ManualClock } from "./manual-clock.ts";
import { get, post } from "./wire-client.ts";

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const servers: Server[] = [];
const clients: Socket[] = [];

afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A client that is paused, and the server side of its connection. */
async function start(handler: Handler, clock: ManualClock): Promise<{ client: Socket; end: Socket }> {
  const server = await listen(handler, { logger, shutdownTimeoutMs: 100, maxDrainBytes: 1000 }, clock);
  servers.push(server);
  if (server.address.transport !== "tcp") throw new Error("It listens on TCP");
  const accepted = Promise.withResolvers<Socket>();
  const listener = (message: unknown) => {
    accepted.resolve((message as { readonly socket: Socket }).socket);
  };
  subscribe("net.server.socket", listener);
  const client = connect(server.address.port, server.address.hostname).pause();
  clients.push(client);
  client.on("error", () => undefined);
  const end = await accepted.promise;
  unsubscribe("net.server.socket", listener);
  return { client, end };
}

/** Sends, and waits until the server has read it. */
async function send(client: Socket, end: Socket, text: string): Promise<void> {
  const { bytesRead } = end;
  client.write(text);
  while (end.bytesRead === bytesRead && !end.destroyed) await turn();
}

test("a client that sends bytes of its next request, but does not read the response, times out", async () => {
  const clock = new ManualClock();
  const failed = Promise.withResolvers<unknown>();
  const { client, end } = await start((_request, exchange) => {
    exchange.completed.catch(failed.resolve);
    return { status: 200, body: endless() };
  }, clock);
  client.write(get("/"));
  while (!end.writableNeedDrain) await turn();
  for (let ms = 0; ms <= DEFAULT_LIMITS.sendTimeoutMs; ms += 10_000) {
    await send(client, end, "G");
    clock.advance(10_000);
  }
  clock.advance(1000);
  expect(await failed.promise).toMatchObject({ code: "RESPONSE_TIMEOUT" });
});

test("bodyTimeoutMs spans all of the content that is drained after the response", async () => {
  const clock = new ManualClock();
  const { client, end } = await start(() => ({ status: 200, body: "enough" }), clock);
  client.write(post("/", "x", "Content-Length: 500"));
  await once(client.resume(), "data");
  for (let ms = 0; ms <= DEFAULT_LIMITS.bodyTimeoutMs; ms += 5000) {
    await send(client, end, "x");
    clock.advance(5000);
  }
  clock.advance(1000);
  await once(client, "end");
  expect(end.bytesRead).toBeLessThan(500);
});

test("an application is shut down where node refuses an option of its server", async () => {
  const shutdown = vi.fn();
  const fetch = () => ({ status: 200 });
  await expect(listen({ fetch, shutdown }, { logger, maxHeadBytes: -1 }, new ManualClock())).rejects.toMatchObject({
    code: "ERR_OUT_OF_RANGE",
  });
  expect(shutdown).toHaveBeenCalledOnce();
});

async function* endless(): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(64 * 1024);
  for (;;) yield await Promise.resolve(piece);
}
