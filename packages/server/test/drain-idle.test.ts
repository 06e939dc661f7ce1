/** `drainIdleMs`: how long an idle connection stays open while its server shuts down. */
import type { Handler, Server } from "@tsgi/gateway-spec";
import { afterEach, describe, expect, test, vi } from "vitest";
import { listen as listenNode } from "../src/node-http/listen.ts";
import type { SocketServeOptions } from "../src/options.ts";
import { listen as listenSocket } from "../src/socket/listen.ts";
import { ManualClock } from "./manual-clock.ts";
import { get, WireClient } from "./wire-client.ts";

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const clients: WireClient[] = [];

afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
});

const hello: Handler = () => ({ status: 200, body: "hello" });

describe.each([
  ["socket", listenSocket],
  ["node", listenNode],
])("%s", (_name, listen) => {
  /** Starts a server, and opens a connection that is idle. */
  async function idle(options: SocketServeOptions) {
    const clock = new ManualClock();
    const server: Server = await listen(hello, { logger, keepAliveTimeoutMs: 600_000, ...options }, clock);
    const client = new WireClient(server.address);
    clients.push(client);
    await client.send(get("/")).until("hello");
    // A connection with activity since the last sweep is not idle yet.
    clock.advance(500);
    return { clock, server, client };
  }

  test.each([
    ["a second", {}, 1000],
    ["another time", { drainIdleMs: 5000 }, 5000],
  ])("an idle connection has %s to send one more request", async (_what, options, timeMs) => {
    const [served, closed] = await Promise.all([idle(options), idle(options)]);
    const ends = [served.server.close(), closed.server.close()];
    served.clock.advance(timeMs);
    expect(await served.client.send(get("/")).end()).toMatch(/\r\nConnection: close\r\n[^]*hello$/i);
    // A timeout may be late by two sweeps.
    closed.clock.advance(timeMs + 1000);
    expect(await closed.client.end()).not.toMatch(/hello[^]*hello/);
    await Promise.all(ends);
  });

  test("with drainIdleMs: 0 an idle connection is closed at the next sweep", async () => {
    const { clock, server, client } = await idle({ drainIdleMs: 0 });
    const closed = server.close();
    clock.advance(500);
    await client.end();
    await closed;
  });
});
