/** The socket server and clients that read slowly, late or never: it waits for those that read, and terminates those that do not. */
import { connect, type Socket } from "node:net";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { afterEach, expect, test, vi } from "vitest";
import { DEFAULT_LIMITS } from "../src/options.ts";
import { listen } from "../src/socket/listen.ts";
import { turn, watchAccepted } from "./accepted-sockets.ts";
import { ManualClock } from "./manual-clock.ts";
import { CLIENTS_SEE_RESETS } from "./resets.ts";
import { get } from "./wire-client.ts";

const SWEEP_MS = 500;
const MIB = 1024 * 1024;

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const servers: Server[] = [];
const clients: Socket[] = [];
const endOf = watchAccepted();

afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A client that is paused, and the server's end of its connection. */
async function start(handler: Handler, clock: ManualClock): Promise<{ client: Socket; end: Socket; server: Server }> {
  const server = await listen(handler, { logger }, clock);
  servers.push(server);
  if (server.address.transport !== "tcp") throw new Error("It listens on TCP");
  const client = connect(server.address.port, server.address.hostname).pause();
  clients.push(client);
  client.on("error", () => undefined);
  return { client, end: await endOf(client), server };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Ends as soon as the system accepts no more: its last bytes wait in the process. */
function untilFull(end: () => Socket, produced: { bytes: number }): () => AsyncGenerator<Uint8Array> {
  return async function* () {
    const piece = new Uint8Array(8192);
    do {
      produced.bytes += piece.byteLength;
      yield piece;
      await turns(3);
    } while (end().writableLength === 0);
  };
}

/** Reads to the end. `orderly` is whether the connection ended by FIN. */
async function readAway(client: Socket): Promise<{ readonly bytes: number; readonly orderly: boolean }> {
  let bytes = 0;
  let orderly = false;
  client.on("data", (piece) => (bytes += piece.length)).on("end", () => (orderly = true));
  const closed = new Promise((resolve) => client.on("close", resolve));
  client.resume();
  await closed;
  return { bytes, orderly };
}

test.each([
  ["an HTTP/1.0 response, which ends with the connection", "GET / HTTP/1.0\r\n\r\n"],
  ["a last response", get("/", "Connection: close")],
  ["a response, on a connection that becomes idle", get("/")],
])("%s: who stops reading for a while near its end gets it all", async (_name, request) => {
  const clock = new ManualClock();
  const produced = { bytes: 0 };
  let serverEnd: Socket | undefined;
  const { client, end } = await start(
    () => ({ status: 200, body: untilFull(() => serverEnd as Socket, produced)() }),
    clock,
  );
  serverEnd = end;
  client.write(request);
  while (end.writableLength === 0) await turn();
  await turns(50);
  for (let ms = 0; ms < DEFAULT_LIMITS.sendTimeoutMs; ms += SWEEP_MS) clock.advance(SWEEP_MS);
  expect(end.destroyed).toBe(false);
  const reading = readAway(client);
  while (end.writableLength > 0) await turn();
  clock.advance(DEFAULT_LIMITS.keepAliveTimeoutMs + SWEEP_MS);
  await turns(5);
  clock.advance(3000);
  const { bytes, orderly } = await reading;
  expect(orderly).toBe(true);
  expect(bytes).toBeGreaterThan(produced.bytes);
});

test("a client that never reads the end of a response is reset, so that the response does not look complete", async () => {
  const clock = new ManualClock();
  let serverEnd: Socket | undefined;
  const { client, end } = await start(
    () => ({ status: 200, body: untilFull(() => serverEnd as Socket, { bytes: 0 })() }),
    clock,
  );
  serverEnd = end;
  client.write("GET / HTTP/1.0\r\n\r\n");
  while (end.writableLength === 0) await turn();
  await turns(50);
  clock.advance(DEFAULT_LIMITS.sendTimeoutMs + 2 * SWEEP_MS);
  expect(end.destroyed).toBe(true);
  const { orderly } = await readAway(client);
  if (CLIENTS_SEE_RESETS) expect(orderly).toBe(false);
});

test("single bytes of a next request do not count as reading", async () => {
  const clock = new ManualClock();
  const failed = Promise.withResolvers<unknown>();
  const { client, end } = await start((_request, exchange) => {
    exchange.completed.catch(failed.resolve);
    return { status: 200, body: endless() };
  }, clock);
  client.write(get("/"));
  while (!end.writableNeedDrain) await turn();
  for (let ms = 0; ms <= DEFAULT_LIMITS.sendTimeoutMs; ms += 10_000) {
    const { bytesRead } = end;
    client.write("G");
    while (end.bytesRead === bytesRead && !end.destroyed && !end.isPaused()) await turn();
    clock.advance(10_000);
  }
  clock.advance(2 * SWEEP_MS);
  expect(end.destroyed).toBe(true);
  expect(await failed.promise).toMatchObject({ code: "RESPONSE_TIMEOUT" });
});

test("a client that reads slowly but steadily has no time limit, however large a chunk is", async () => {
  const clock = new ManualClock();
  const total = 48 * MIB;
  const { client, end } = await start(
    () => ({
      status: 200,
      body: (async function* () {
        yield new Uint8Array(total);
      })(),
    }),
    clock,
  );
  client.on("data", () => undefined).pause();
  client.write(get("/", "Connection: close"));
  while (!end.writableNeedDrain) await turn();
  while (!client.closed) {
    const goal = client.bytesRead + MIB;
    client.resume();
    while (client.bytesRead < goal && !client.closed) await turn();
    client.pause();
    clock.advance(5000);
    await turns(3);
  }
  expect(client.bytesRead).toBeGreaterThan(total);
});

async function* endless(): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(64 * 1024);
  for (;;) yield await Promise.resolve(piece);
}
