/** A last response is sent in full, also if a caller waits for its completion. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { connect, type Socket } from "node:net";
import type { OutgoingResponse } from "@tsgi/gateway-spec";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { listen } from "../src/socket/listen.ts";
import { turn } from "./accepted-sockets.ts";
import { ManualClock } from "./manual-clock.ts";
import { get, WireClient } from "./wire-client.ts";

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
/** The servers' ends of the connections, and their errors. */
const accepted: Socket[] = [];
const errors: Error[] = [];

function onAccepted(message: unknown): void {
  const { socket } = message as { readonly socket: Socket };
  accepted.push(socket);
  socket.on("error", (error) => errors.push(error));
}

beforeAll(() => {
  subscribe("net.server.socket", onAccepted);
});

afterAll(() => {
  unsubscribe("net.server.socket", onAccepted);
});

async function* one(): AsyncGenerator<string> {
  yield await Promise.resolve("hello");
}

test.each<[string, () => OutgoingResponse | Promise<OutgoingResponse>]>([
  ["at once", () => ({ status: 200, body: "hello" })],
  ["later", () => Promise.resolve({ status: 200, body: "hello" })],
  ["in pieces", () => ({ status: 200, body: one() })],
])("%s: the server does not write to a connection that it has ended", async (_name, response) => {
  errors.length = 0;
  const completed: Promise<void>[] = [];
  const server = await listen(
    (_request, exchange) => {
      completed.push(exchange.completed);
      return response();
    },
    { logger },
    new ManualClock(),
  );
  await new WireClient(server.address).send(get("/") + get("/", "Connection: close")).end();
  expect(await Promise.all(completed)).toEqual([undefined, undefined]);
  await server.close();
  expect(errors).toEqual([]);
});

test("a slow client receives the whole last response", async () => {
  accepted.length = 0;
  let produced = 0;
  let completed: Promise<void> | undefined;
  const server = await listen(
    (_request, exchange) => {
      ({ completed } = exchange);
      return {
        status: 200,
        // It ends as soon as the system accepts no more: its last bytes wait in the process.
        body: (async function* () {
          const piece = new Uint8Array(8192);
          do {
            produced += piece.byteLength;
            yield piece;
            for (let i = 0; i < 3; i++) await turn();
          } while (accepted[0]?.writableLength === 0);
        })(),
      };
    },
    { logger },
    new ManualClock(),
  );
  if (server.address.transport !== "tcp") throw new Error("It listens on TCP");
  const client = connect(server.address.port, server.address.hostname).pause();
  client.write("GET / HTTP/1.0\r\n\r\n");
  while ((accepted[0]?.writableLength ?? 0) === 0 && accepted[0]?.destroyed !== true) await turn();
  for (let i = 0; i < 20; i++) await turn();
  let received = 0;
  client.on("data", (bytes) => (received += bytes.length));
  const closed = new Promise((resolve) => client.on("close", resolve));
  client.resume();
  await closed;
  expect(received).toBeGreaterThan(produced);
  await completed;
  await server.close();
});
