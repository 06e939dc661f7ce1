/** The socket server where exchanges, their content and their connections end: what it says, and what it still reads. */
import { once } from "node:events";
import type { Exchange } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { describe, expect, test } from "vitest";
import { everySweep } from "../src/runtime/clock.ts";
import { turn, watchAccepted } from "./accepted-sockets.ts";
import { socketServers } from "./socket-servers.ts";
import { get, lastContent, post } from "./wire-client.ts";

const { start } = socketServers();
const endOf = watchAccepted();

describe("the last response of a connection says so", () => {
  test("where more content is announced than is worth reading", async () => {
    const { connect } = await start(() => ({ status: 200, body: "unread" }), { maxDrainBytes: 10 });
    const short = await connect()
      .send(post("/", "0123456789", "Content-Length: 10") + get("/", "Connection: close"))
      .end();
    expect(short.match(/Connection: close/g)).toHaveLength(1);
    const long = await connect()
      .send(post("/", "0123456789", "Content-Length: 11"))
      .end();
    expect(long).toMatch(/^HTTP\/1\.1 200 (?:.+\r\n)*Connection: close\r\n/);
  });

  test("where the client has closed its sending side", async () => {
    const gate = Promise.withResolvers<void>();
    const { connect } = await start(async () => {
      await gate.promise;
      return { status: 200, body: "late" };
    });
    const client = connect().send(get("/") + get("/"));
    const end = await endOf(client.socket);
    const ended = once(end, "end");
    client.socket.end();
    await ended;
    gate.resolve();
    const received = await client.end();
    expect(received.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
    expect(received.match(/Connection: close/g)).toHaveLength(1);
    expect(received).toMatch(/Connection: close\r\n\r\nlate$/);
  });
});

describe("a client that asks for the close of its connection", () => {
  test.each([
    ["by Connection: close", get("/", "Connection: close")],
    ["by HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
    ["behind content", post("/", "content", "Content-Length: 7", "Connection: close")],
  ])("%s sees it right behind the response, without closing its own side", async (_name, request) => {
    const { connect } = await start(async (incoming) => ({ status: 200, body: `whole ${await readText(incoming)}` }));
    const client = connect().send(request);
    const end = await endOf(client.socket);
    expect(lastContent(await client.end())).toMatch(/^whole /);
    while (!end.destroyed) await turn();
    expect(end.bytesRead).toBe(request.length);
  });

  test("receives all of a response that the system does not take at once", async () => {
    const length = 16 * 1024 * 1024;
    const { connect } = await start(() => ({ status: 200, body: new Uint8Array(length) }));
    const received = await connect().send(get("/", "Connection: close")).end();
    expect(received.length - received.indexOf("\r\n\r\n") - 4).toBe(length);
  });

  test("receives the response although it goes on sending", async () => {
    const { connect } = await start(() => ({ status: 200, body: "hello" }));
    const client = connect().send(get("/", "Connection: close") + get("/behind"));
    const end = await endOf(client.socket);
    await client.until("hello");
    client.send(get("/later"));
    expect(lastContent(await client.end())).toBe("hello");
    expect(end.bytesRead).toBeGreaterThan(get("/", "Connection: close").length);
  });
});

test("what a client still sends after the last response is read away, though reading had stopped", async () => {
  const gate = Promise.withResolvers<void>();
  const { connect } = await start(async () => {
    await gate.promise;
    return { status: 200, body: "enough" };
  });
  const length = 4 * 1024 * 1024;
  const client = connect().send(post("/", "x".repeat(length), `Content-Length: ${length}`));
  const end = await endOf(client.socket);
  while (!end.isPaused()) await turn();
  gate.resolve();
  expect(lastContent(await client.until("enough"))).toBe("enough");
  while (end.bytesRead < client.socket.bytesWritten && !end.destroyed) await turn();
  expect(end.bytesRead).toBe(client.socket.bytesWritten);
  expect(end.bytesRead).toBeGreaterThan(length);
});

test("an informational response that comes late, or for another exchange, is not sent", async () => {
  let first: Exchange | undefined;
  const { connect } = await start((_request, exchange) => {
    first ??= exchange;
    const late = exchange === first ? exchange : first;
    return {
      status: 200,
      body: (async function* () {
        yield "begun";
        late.sendInformational?.(103, { link: "</a.css>" });
        yield "ended";
      })(),
    };
  });
  const received = await connect()
    .send(get("/") + get("/", "Connection: close"))
    .end();
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
  expect(received).not.toContain("a.css");
});

test("an informational response for the next exchange cannot be sent by the last one", async () => {
  let first: Exchange | undefined;
  const { connect } = await start((_request, exchange) => {
    first?.sendInformational?.(103, { link: "</a.css>" });
    first = exchange;
    return { status: 200, body: "x" };
  });
  const received = await connect()
    .send(get("/") + get("/", "Connection: close"))
    .end();
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
});

test("a system clock that is set back neither stops timeouts nor fires them early", () => {
  let time = 1_000_000;
  let tick = () => undefined as void;
  const sweeps: number[] = [];
  everySweep(
    {
      now: () => time,
      every: (_intervalMs, call) => {
        tick = call;
        return () => undefined;
      },
    },
    500,
    (now) => sweeps.push(now),
  );
  for (const step of [500, -3_600_000, 500, 7_200_000, 500]) {
    time += step;
    tick();
  }
  expect(sweeps.map((now, i) => now - (sweeps[i - 1] ?? sweeps[0] ?? 0))).toEqual([0, 0, 500, 500, 500]);
});
