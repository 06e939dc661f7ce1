/** The socket server and its handlers: what they return, their async contexts, and the writes of their bodies. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { afterEach, describe, expect, test, vi } from "vitest";
import { listen } from "../src/socket/listen.ts";
import { turn, watchAccepted } from "./accepted-sockets.ts";
import { ManualClock } from "./manual-clock.ts";
import { get, WireClient } from "./wire-client.ts";

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn<(message: string, error?: unknown) => void>() };
const servers: Server[] = [];
const clients: WireClient[] = [];
const endOf = watchAccepted();

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close({ timeoutMs: 0 })));
  vi.resetAllMocks();
});

async function start(handler: Handler): Promise<() => WireClient> {
  const server = await listen(handler, { logger }, new ManualClock());
  servers.push(server);
  return () => {
    const client = new WireClient(server.address);
    clients.push(client);
    return client;
  };
}

function expectLogged(message: string): void {
  const error = expect.objectContaining({ message: expect.stringContaining(message) as string }) as Error;
  expect(logger.error).toHaveBeenCalledWith(expect.any(String), error);
}

describe.each<[string, (value: unknown) => ReturnType<Handler>]>([
  ["returns", (value) => value as never],
  ["promises", (value) => Promise.resolve(value) as never],
])("a handler that %s what is not a response", (_how, give) => {
  test.each([
    [
      "undefined",
      undefined,
      'returned undefined. It must return a response, such as { status: 200, body: "text" }; is a return missing?',
    ],
    ["null", null, "returned null."],
    ["a text", "hello", 'returned the string "hello".'],
    ["a number", 200, "returned the number 200."],
    ["an object without a status", { body: "x" }, "returned an object without a status."],
  ])("%s: the client gets a 500, and the log says what to return", async (_what, value, message) => {
    const connect = await start((_request, { target }) =>
      target === "/next" ? { status: 200, body: "next" } : give(value),
    );
    const received = await connect()
      .send(get("/path") + get("/next", "Connection: close"))
      .end();
    expect(received).toMatch(/^HTTP\/1\.1 500 [^]*Internal Server Error\nHTTP\/1\.1 200 [^]*next$/);
    expectLogged(`The handler of GET /path ${message}`);
  });

  test.each<[string, unknown, string]>([
    [
      "a header that is a number",
      { status: 200, headers: { "content-length": 5 } },
      'the field "content-length" must be a string, not the number 5',
    ],
    [
      "a header line that is a number",
      { status: 200, headers: { "x-a": ["1", 2] } },
      'the field "x-a" must be a string, not the number 2',
    ],
    [
      "a status that is a text",
      { status: "200" },
      'The status of a response is an integer from 200 to 599, not the string "200"',
    ],
  ])("%s: the client gets a 500, and the log says what is wrong", async (_what, value, message) => {
    const connect = await start(() => give(value));
    expect(await connect().send(get("/", "Connection: close")).end()).toMatch(/^HTTP\/1\.1 500 /);
    expectLogged(message);
  });
});

describe("the async context of a handler", () => {
  const store = new AsyncLocalStorage<string>();

  test.each<[string, Handler]>([
    ["at once", () => ({ status: 200, body: `${store.getStore() ?? "none"};` })],
    [
      "later",
      async () => {
        await Promise.resolve();
        return { status: 200, body: `${store.getStore() ?? "none"};` };
      },
    ],
  ])("does not reach the next pipelined request, where the handler responds %s", async (_when, respond) => {
    const connect = await start((request, exchange) => {
      if (exchange.target !== "/none") store.enterWith(exchange.target);
      return respond(request, exchange);
    });
    const received = await connect()
      .send(get("/1") + get("/none") + get("/2") + get("/none", "Connection: close"))
      .end();
    expect(received.match(/\S+;/g)).toEqual(["/1;", "none;", "/2;", "none;"]);
  });

  test("reaches the body of its response, where the handler entered it", async () => {
    const connect = await start((_request, { target }) => {
      store.enterWith(target);
      return {
        status: 200,
        body: (async function* () {
          yield `${store.getStore()};`;
          await turn();
          yield `${store.getStore()};`;
        })(),
      };
    });
    const received = await connect().send(get("/1", "Connection: close")).end();
    expect(received.match(/\/\d;/g)).toEqual(["/1;", "/1;"]);
  });
});

test("pieces that are given in one turn leave in one write", async () => {
  const begin = Promise.withResolvers<void>();
  const connect = await start(() => ({
    status: 200,
    body: (async function* () {
      await begin.promise;
      for (let i = 0; i < 100; i++) yield "x".repeat(100);
    })(),
  }));
  const client = connect().send(get("/", "Connection: close"));
  const write = vi.spyOn(await endOf(client.socket), "write");
  begin.resolve();
  const received = await client.end();
  expect(received.endsWith(`\r\n\r\n${`64\r\n${"x".repeat(100)}\r\n`.repeat(100)}0\r\n\r\n`)).toBe(true);
  expect(write.mock.calls.length).toBeLessThan(5);
});

test.each([
  ["SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["SMTP", "EHLO mail.example.org\r\n"],
  ["Redis", "*1\r\n"],
  ["a wrong request line", "GET path HTTP/1.1\r\n"],
  ["a wrong field line", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n"],
])("a client of %s is refused as soon as its bytes show it, without a timeout", async (_what, sent) => {
  const handler = vi.fn<Handler>(() => ({ status: 200 }));
  const connect = await start(handler);
  expect(await connect().send(sent).end()).toMatch(/^HTTP\/1\.1 400 (?:.+\r\n)*Connection: close\r\n/);
  expect(handler).not.toHaveBeenCalled();
});
