/** The socket server while it shuts down: which requests it still serves, and how long it waits for them. */
import type { Handler } from "@tsgi/gateway-spec";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, SWEEP_MS } from "../src/options.ts";
import { DRAIN_FIRST_REQUEST_MS } from "../src/socket/timeouts.ts";
import { watchAccepted } from "./accepted-sockets.ts";
import { socketServers } from "./socket-servers.ts";
import { get } from "./wire-client.ts";

const { start } = socketServers();
const endOf = watchAccepted();
const hello: Handler = () => ({ status: 200, body: "hello;" });

test("requests that have arrived behind a running one are served, and only the last response says close", async () => {
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const { server, connect } = await start(async (_request, { target }) => {
    called.resolve();
    if (target === "/0") await gate.promise;
    return { status: 200, body: `${target};` };
  });
  const requests = Array.from({ length: 8 }, (_, i) => get(`/${i}`));
  const client = connect().send(requests.join(""));
  await called.promise;
  const closed = server.close();
  gate.resolve();
  const received = await client.end();
  expect(received.match(/\/\d;/g)).toEqual(requests.map((_, i) => `/${i};`));
  expect(received.match(/Connection: close/g)).toHaveLength(1);
  expect(received.lastIndexOf("Connection: close")).toBeGreaterThan(received.lastIndexOf("HTTP/1.1 200"));
  await closed;
});

describe("a connection that was accepted and has sent nothing", () => {
  test("is served when its request arrives, though idle connections are closed at once", async () => {
    const { clock, server, connect } = await start(hello, { drainIdleMs: 0 });
    const client = connect();
    await endOf(client.socket);
    const closed = server.close();
    clock.advance(DRAIN_FIRST_REQUEST_MS - SWEEP_MS);
    expect(await client.send(get("/")).end()).toMatch(/\r\nConnection: close\r\n[^]*hello;$/);
    await closed;
  });

  test("is closed after 5 seconds", async () => {
    const { clock, server, connect } = await start(hello);
    const client = connect();
    const end = await endOf(client.socket);
    const closed = server.close();
    clock.advance(DRAIN_FIRST_REQUEST_MS);
    expect(end.destroyed).toBe(false);
    clock.advance(2 * SWEEP_MS);
    expect(await client.end()).toBe("");
    await closed;
  });
});

describe("close()", () => {
  test("with idleMs keeps an idle connection for so long", async () => {
    const { clock, server, connect } = await start(hello, { keepAliveTimeoutMs: 60_000 });
    const client = connect();
    await client.send(get("/")).until("hello;");
    clock.advance(SWEEP_MS);
    const end = await endOf(client.socket);
    const closed = server.close({ idleMs: 60_000, timeoutMs: 600_000 });
    clock.advance(60_000 - SWEEP_MS);
    expect(end.writableEnded).toBe(false);
    clock.advance(3 * SWEEP_MS);
    await client.end();
    await closed;
  });

  test("with timeoutMs terminates what still runs at that time, and a second call does not change it", async () => {
    const called = Promise.withResolvers<AbortSignal>();
    const { clock, server, connect } = await start(({ signal }) => {
      called.resolve(signal);
      return new Promise(() => undefined);
    });
    const client = connect().send(get("/"));
    const signal = await called.promise;
    const closed = server.close({ timeoutMs: 2000 });
    expect(server.close({ timeoutMs: 1 })).toBe(closed);
    clock.advance(1999);
    expect(signal.aborted).toBe(false);
    clock.advance(1);
    await closed;
    expect(signal.reason).toMatchObject({ code: "SERVER_CLOSED" });
    await client.end();
  });

  test("without options waits for drainIdleMs and shutdownTimeoutMs", async () => {
    const { clock, server, connect } = await start(hello);
    const client = connect();
    await client.send(get("/")).until("hello;");
    const closed = server.close();
    clock.advance(DEFAULT_LIMITS.drainIdleMs + 2 * SWEEP_MS);
    await client.end();
    await closed;
  });
});
