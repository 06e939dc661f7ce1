/** The socket server and its handlers: their async contexts, the writes of their bodies, and requests that reach none. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Handler } from "@tsgi/gateway-spec";
import { describe, expect, test, vi } from "vitest";
import { turn, watchAccepted } from "./accepted-sockets.ts";
import { socketServers } from "./socket-servers.ts";
import { get } from "./wire-client.ts";

const { start } = socketServers();
const endOf = watchAccepted();

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
    const { connect } = await start((request, exchange) => {
      if (exchange.target !== "/none") store.enterWith(exchange.target);
      return respond(request, exchange);
    });
    const received = await connect()
      .send(get("/1") + get("/none") + get("/2") + get("/none", "Connection: close"))
      .end();
    expect(received.match(/\S+;/g)).toEqual(["/1;", "none;", "/2;", "none;"]);
  });

  test("reaches the body of its response, where the handler entered it", async () => {
    const { connect } = await start((_request, { target }) => {
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

/** The server looks at the clock after 8 pieces: a body that has run for 5 ms then, on a busy machine too, leaves others a turn. */
const PIECES_OF_ONE_TURN = 7;

test("pieces that are given in one turn leave in one chunk and one write", async () => {
  const begin = Promise.withResolvers<void>();
  const { connect } = await start(() => ({
    status: 200,
    body: (async function* () {
      await begin.promise;
      for (let i = 0; i < PIECES_OF_ONE_TURN; i++) yield "x".repeat(1000);
    })(),
  }));
  const client = connect().send(get("/", "Connection: close"));
  const write = vi.spyOn(await endOf(client.socket), "write");
  begin.resolve();
  const received = await client.end();
  expect(received.endsWith(`\r\n\r\n1b58\r\n${"x".repeat(7000)}\r\n0\r\n\r\n`)).toBe(true);
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
  const { connect } = await start(handler);
  expect(await connect().send(sent).end()).toMatch(/^HTTP\/1\.1 400 (?:.+\r\n)*Connection: close\r\n/);
  expect(handler).not.toHaveBeenCalled();
});
