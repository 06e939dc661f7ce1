/** The socket server and clients that close their sending side, in full or in part (TSGI-13, TSGI-43). */
import { once } from "node:events";
import type { Exchange, Handler, IncomingRequest } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { describe, expect, test, vi } from "vitest";
import { MAX_LINGER_MS, SWEEP_MS } from "../src/options.ts";
import { turn, watchAccepted } from "./accepted-sockets.ts";
import { socketServers } from "./socket-servers.ts";
import { get, lastContent, post, type WireClient } from "./wire-client.ts";

const { logger, start } = socketServers();
const endOf = watchAccepted();

/** A handler that waits until a test opens its gate, and what it was called with. */
function waiting(respond: () => ReturnType<Handler>) {
  const called = Promise.withResolvers<readonly [IncomingRequest, Exchange]>();
  const gate = Promise.withResolvers<void>();
  const handler: Handler = async (request, exchange) => {
    called.resolve([request, exchange]);
    await gate.promise;
    return respond();
  };
  return { called: called.promise, open: gate.resolve, handler };
}

/** A client that closes its sending side behind its requests, whose first handler responds after the exchange has failed. */
async function leave(respond: () => ReturnType<Handler>, requests = get("/")): Promise<WireClient> {
  const { called, open, handler } = waiting(respond);
  const { connect } = await start(handler);
  const client = connect().send(requests);
  const [{ signal }] = await called;
  client.socket.end();
  await once(signal, "abort");
  open();
  return client;
}

async function* pieces(...given: string[]): AsyncGenerator<string> {
  for (const piece of given) yield await Promise.resolve(piece);
}

describe("a client that closes its sending side while a handler runs", () => {
  test("fails the exchange at once", async () => {
    const { called, open, handler } = waiting(() => ({ status: 200 }));
    const { connect } = await start(handler);
    const client = connect().send(get("/"));
    const [{ signal }, { completed }] = await called;
    client.socket.end();
    await expect(completed).rejects.toMatchObject({ code: "CLIENT_DISCONNECTED" });
    expect(signal.reason).toMatchObject({ code: "CLIENT_DISCONNECTED" });
    open();
    await client.end();
  });

  test.each([
    ["whole", () => ({ status: 200, body: "late" })],
    ["in pieces", () => ({ status: 200, body: pieces("la", "te"), headers: { "content-length": "4" } })],
  ])("still receives a response that is given later, %s, as the last one", async (_how, respond) => {
    const client = await leave(respond);
    expect(await client.end()).toMatch(/\r\nConnection: close\r\n(?:.+\r\n)*\r\nlate$/);
  });

  test("has its connection closed without a response where the handler throws, and nothing is logged", async () => {
    const client = await leave(() => {
      throw new Error("aborted");
    });
    expect(await client.end()).toBe("");
    expect(logger.error).not.toHaveBeenCalled();
  });

  test("has its connection closed where the handler returns no response", async () => {
    const client = await leave(() => undefined as never);
    expect(await client.end()).toBe("");
  });

  test("receives a response to each request that it sent before", async () => {
    const client = await leave(() => ({ status: 200, body: "late;" }), get("/").repeat(3));
    const received = await client.end();
    expect(received.match(/late;/g)).toHaveLength(3);
    expect(received.match(/Connection: close/g)).toHaveLength(1);
  });

  test("and resets the connection later releases a body that is given later", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancelled = Promise.withResolvers<void>();
    const client = await leave(() => ({
      status: 200,
      body: new ReadableStream<Uint8Array>({ pull: () => promise, cancel: () => cancelled.resolve() }),
    }));
    await turn();
    client.socket.resetAndDestroy();
    await cancelled.promise;
    resolve();
  });

  test("has its whole content read", async () => {
    const { connect } = await start(async (request) => ({ status: 200, body: `<${await readText(request)}>` }));
    const client = connect();
    client.socket.end(post("/", "hello", "Content-Length: 5"));
    expect(lastContent(await client.end())).toBe("<hello>");
  });

  test("fails the exchange where its content was refused before", async () => {
    const aborted = Promise.withResolvers<unknown>();
    const refused = Promise.withResolvers<void>();
    const { connect } = await start(async (request) => {
      request.signal.addEventListener("abort", () => aborted.resolve(request.signal.reason));
      await readText(request).catch(() => refused.resolve());
      await aborted.promise;
      return { status: 400 };
    });
    const client = connect().send(post("/", "x\r\n", "Transfer-Encoding: chunked"));
    await refused.promise;
    client.socket.end();
    expect(await aborted.promise).toMatchObject({ code: "CLIENT_DISCONNECTED" });
    expect(await client.end()).toMatch(/^HTTP\/1\.1 400 (?:.+\r\n)*Connection: close\r\n/);
  });

  test("fails the content where some of it is missing, and receives no response", async () => {
    const failure = Promise.withResolvers<unknown>();
    const { connect } = await start(async (request) => {
      await readText(request).catch(failure.resolve);
      return { status: 200 };
    });
    const client = connect();
    client.socket.end(post("/", "hel", "Content-Length: 5"));
    expect(await failure.promise).toMatchObject({ code: "CLIENT_DISCONNECTED" });
    expect(await client.end()).toBe("");
  });
});

describe("a client that closes its sending side while it receives a body", () => {
  test("fails the exchange within a second where the body is silent", async () => {
    const exchanges: Exchange[] = [];
    const cancel = vi.fn();
    const { clock, connect } = await start((_request, exchange) => {
      exchanges.push(exchange);
      return {
        status: 200,
        body: new ReadableStream<Uint8Array>({ start: (stream) => stream.enqueue(Buffer.from("first")), cancel }),
      };
    });
    const client = connect().send(get("/"));
    const end = await endOf(client.socket);
    await client.until("first");
    const ended = once(end, "end");
    client.socket.end();
    await ended;
    clock.advance(2 * SWEEP_MS);
    await expect(exchanges[0]?.completed).rejects.toMatchObject({ code: "CLIENT_DISCONNECTED" });
    expect(cancel).toHaveBeenCalledOnce();
    expect(end.destroyed).toBe(true);
  });

  test("receives all of a body that goes on", async () => {
    const { clock, connect } = await start(() => ({
      status: 200,
      body: (async function* () {
        for (let i = 0; i < 10; i++) {
          yield `${i};`;
          await turn();
          clock.advance(SWEEP_MS);
        }
      })(),
    }));
    const client = connect().send(get("/"));
    await client.until("0;");
    client.socket.end();
    expect(await client.end()).toMatch(/\r\n9;\r\n0\r\n\r\n$/);
  });
});

describe("after a last response", () => {
  test("what the client still sends is dropped for as long as it sends, and for 30 seconds at most", async () => {
    const { clock, connect } = await start(() => ({ status: 200 }));
    const client = connect().send(post("/", "x", "Content-Length: 100000000"));
    const end = await endOf(client.socket);
    await client.until("HTTP/1.1 413");
    let seconds = 0;
    for (; !end.destroyed && seconds < 100; seconds++) {
      const { bytesRead } = end;
      client.send("x".repeat(1000));
      while (end.bytesRead === bytesRead && !end.destroyed) await turn();
      clock.advance(1000);
    }
    expect(seconds * 1000).toBeGreaterThanOrEqual(MAX_LINGER_MS);
    expect(seconds * 1000).toBeLessThanOrEqual(MAX_LINGER_MS + 1000);
  });
});
