import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import express from "express";
import { afterEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { readText } from "../../body.ts";
import type { Application, Exchange, Handler, IncomingRequest, OutgoingResponse } from "../../index.ts";
import type { NodeExchange } from "../../server-kit/node/exchange.ts";
import { VERSION } from "../../version.ts";
import { type NodeListener, toNode, type ToNodeOptions } from "./index.ts";

const quiet = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(listener: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const serve = (application: Application | Handler, options?: ToNodeOptions): Promise<number> =>
  listen(toNode(application, { logger: quiet, ...options }));

async function get(port: number, path = "/", options: RequestOptions = {}, body?: string) {
  const req = httpRequest({ port, path, agent: false, ...options });
  // A reset after the head fails the reading of the response, and this too.
  req.on("error", () => undefined);
  req.end(body);
  const [res] = (await once(req, "response")) as [IncomingMessage];
  return { status: res.statusCode, headers: res.headers, body: await text(res), trailers: res.trailers };
}

/** Sends bytes and returns all that the server writes until it closes the connection. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  return text(socket);
}

describe("toNode", () => {
  test("gives the handler the request and its exchange", async () => {
    let seen: unknown;
    const port = await serve(async (request, exchange) => {
      const { method, url, headers } = request;
      const { target, protocol, encrypted, tls, peerAddress: peer, localAddress: local } = exchange;
      const content = await readText(request);
      seen = { method, url, cookie: headers.get("cookie"), content, target, protocol, encrypted, tls, peer, local };
      return { status: 200 };
    });
    const headers = { cookie: ["a=1", "b=2"], host: "example.test" };
    await get(port, "/a%2Fb?x=1", { method: "POST", headers }, "hello");
    expect(seen).toEqual({
      method: "POST",
      url: "http://example.test/a%2Fb?x=1",
      cookie: "a=1; b=2",
      content: "hello",
      target: "/a%2Fb?x=1",
      protocol: "1.1",
      encrypted: false,
      tls: null,
      peer: { transport: "tcp", hostname: "127.0.0.1", port: expect.any(Number) as number },
      local: { transport: "tcp", hostname: "127.0.0.1", port },
    });
  });

  test.each<[string, string, string]>([
    ["absolute-form", "GET http://other.test/x HTTP/1.1\r\nHost: a\r\n", "http://other.test/x"],
    ["asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n", "http://a/"],
    ["a Host that would move the path", "GET /x HTTP/1.1\r\nHost: a/admin?\r\n", "http://localhost:PORT/x"],
    ["HTTP/1.0 without Host", "GET /x HTTP/1.0\r\n", "http://localhost:PORT/x"],
  ])("the URL of %s", async (_name, head, url) => {
    const port = await serve((request) => ({ status: 200, body: request.url }));
    const response = await raw(port, `${head}Connection: close\r\n\r\n`);
    expect(response.slice(response.indexOf("\r\n\r\n") + 4)).toBe(url.replace("PORT", String(port)));
  });

  const pieces = async function* (...values: (string | Uint8Array)[]) {
    yield* values;
  };
  test.each<[string, OutgoingResponse, string, Record<string, string | undefined>]>([
    ["text", { status: 200, body: "dé" }, "dé", { "content-length": "3", "content-type": undefined }],
    ["bytes", { status: 200, body: new Uint8Array([97]) }, "a", { "content-length": "1" }],
    ["nothing", { status: 404 }, "", { "content-length": "0" }],
    ["pieces", { status: 200, body: pieces("a", "", Buffer.from("b")) }, "ab", { "transfer-encoding": "chunked" }],
    [
      "pieces of known length",
      { status: 200, headers: { "Content-Length": "2" }, body: pieces("a", "b") },
      "ab",
      { "content-length": "2", "transfer-encoding": undefined },
    ],
    ["a web Response", new Response("web", { headers: { x: "y" } }), "web", { x: "y" }],
    [
      "a foreign Connection",
      { status: 200, headers: { Connection: "upgrade", Upgrade: "x" }, body: "a" },
      "a",
      { upgrade: undefined },
    ],
    ["a foreign Transfer-Encoding", { status: 200, headers: { "Transfer-Encoding": "gzip" }, body: "a" }, "a", {}],
    ["a 204 with a length", { status: 204, headers: { "content-length": "0" } }, "", { "content-length": undefined }],
  ])("sends %s", async (_name, response, body, headers) => {
    const port = await serve(() => response);
    const received = await get(port);
    expect([received.status, received.body]).toEqual([response.status, body]);
    for (const name in headers) expect(received.headers[name]).toBe(headers[name]);
  });

  test.each<[string, NonNullable<OutgoingResponse["body"]> | null]>([
    ["no body", null],
    ["a body of ASCII", "a"],
    ["a body beyond ASCII", "d\u00e9"],
    ["a piece beyond ASCII", pieces("d\u00e9")],
    ["a first piece that takes long", late("d\u00e9")],
  ])("sends a field value as one byte for each character, with %s", async (_name, body) => {
    const port = await serve(() => ({ status: 200, headers: { "x-name": "caf\u00e9" }, body }));
    const { headers, body: received } = await get(port);
    expect([headers["x-name"], received]).toEqual([
      "caf\u00e9",
      body === null || body === "a" ? (body ?? "") : "d\u00e9",
    ]);
  });

  test("does not join set-cookie lines, and sends trailers after the body", async () => {
    const port = await serve(() => ({
      status: 200,
      headers: { "set-cookie": ["a=1", "b=2"], trailer: "x-sum" },
      body: "whole",
      trailers: () => Promise.resolve({ "x-sum": "5" }),
    }));
    const response = await get(port);
    expect([response.headers["set-cookie"], response.body, response.trailers]).toEqual([
      ["a=1", "b=2"],
      "whole",
      { "x-sum": "5" },
    ]);
  });

  test.each<[string, string, number]>([
    ["HEAD", "HEAD", 200],
    ["204", "GET", 204],
    ["304", "GET", 304],
  ])("%s has no content: the body is cancelled, and the signal does not abort", async (_name, method, status) => {
    const events: string[] = [];
    const completed = Promise.withResolvers<unknown>();
    const port = await serve((request, exchange) => {
      request.signal.addEventListener("abort", () => events.push("abort"));
      completed.resolve(exchange.completed);
      return {
        status,
        headers: { trailer: "x" },
        body: new ReadableStream({ cancel: () => void events.push("cancel") }),
      };
    });
    expect((await get(port, "/", { method })).body).toBe("");
    expect(await completed.promise).toBeUndefined();
    expect(events).toEqual(["cancel"]);
  });

  test.each<[string, () => unknown]>([
    ["throws", () => raise(new Error("secret"))],
    ["rejects", () => Promise.reject(new Error("secret"))],
    ["returns nothing", () => undefined],
    ["returns a status out of range", () => ({ status: 99 })],
    ["returns 101 without an upgrade", () => ({ status: 101 })],
    ["returns a field value with CR and LF", () => ({ status: 200, headers: { x: "a\r\nb: c" } })],
    ["returns a synchronous iterable", () => ({ status: 200, body: ["a"] })],
    [
      "announces another length than its body has",
      () => ({ status: 200, headers: { "content-length": "9" }, body: "a" }),
    ],
  ])("a handler that %s: the response is a 500, and the next request is served", async (_name, handler) => {
    const failed = Promise.withResolvers<unknown>();
    const port = await serve((request, exchange) => {
      if (request.url.endsWith("/ok")) return { status: 200, body: "ok" };
      void exchange.completed.then(() => failed.resolve(request.signal.reason));
      return handler() as OutgoingResponse;
    });
    quiet.error.mockClear();
    const response = await get(port);
    expect([response.status, response.body]).toEqual([500, "Internal Server Error\n"]);
    expect(quiet.error).toHaveBeenCalledTimes(1);
    expect(await failed.promise).toMatchObject({ code: "RESPONSE_FAILED" });
    expect((await get(port, "/ok")).body).toBe("ok");
  });

  test.each<[string, () => Omit<OutgoingResponse, "status">]>([
    ["a body that throws", () => ({ body: failing() })],
    ["a body that is shorter than announced", () => ({ headers: { "content-length": "9" }, body: pieces("abc") })],
    ["a body that is longer than announced", () => ({ headers: { "content-length": "2" }, body: pieces("a", "bc") })],
    ["a piece that is neither text nor bytes", () => ({ body: pieces("abc", 1 as unknown as string) })],
    ["trailers that throw", () => ({ body: "abc", trailers: () => raise(new Error("trailers")) })],
  ])("%s never looks like a complete response", async (_name, response) => {
    const failed = Promise.withResolvers<unknown>();
    const port = await serve((request, exchange) => {
      request.signal.addEventListener("abort", () => failed.resolve(request.signal.reason));
      exchange.completed.catch(() => undefined);
      return { status: 200, ...response() };
    });
    await expect(get(port)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(await failed.promise).toMatchObject({ code: "RESPONSE_FAILED" });
  });

  test("the client is gone: the signal aborts, then the body is cancelled, then completed rejects", async () => {
    const events: string[] = [];
    const over = Promise.withResolvers<void>();
    const port = await serve((request, exchange) => {
      request.signal.addEventListener("abort", () => {
        events.push(`abort ${(request.signal.reason as { code: string }).code}`);
      });
      exchange.completed.catch((error: unknown) => {
        events.push(`completed ${(error as { code: string }).code}`);
        over.resolve();
      });
      return {
        status: 200,
        body: new ReadableStream({
          start: (stream) => stream.enqueue(Buffer.from("first")),
          cancel: () => void events.push("cancel"),
        }),
      };
    });
    const req = httpRequest({ port, agent: false }).end();
    req.on("error", () => undefined);
    const [res] = (await once(req, "response")) as [IncomingMessage];
    await once(res, "data");
    req.destroy();
    await over.promise;
    expect(events).toEqual(["abort CLIENT_DISCONNECTED", "cancel", "completed CLIENT_DISCONNECTED"]);
  });

  test("the client is gone before the response: the body of the response is cancelled", async () => {
    const asked = Promise.withResolvers<IncomingRequest>();
    const cancelled = Promise.withResolvers<void>();
    const port = await serve(async (request) => {
      asked.resolve(request);
      await new Promise((resolve) => {
        request.signal.addEventListener("abort", resolve);
      });
      return { status: 200, body: new ReadableStream({ cancel: () => cancelled.resolve() }) };
    });
    const req = httpRequest({ port, agent: false }).end();
    req.on("error", () => undefined);
    await asked.promise;
    req.destroy();
    await cancelled.promise;
  });

  test("the writer waits for a slow reader", async () => {
    const piece = Buffer.alloc(1024 * 1024, "x");
    let pulled = 0;
    const called = Promise.withResolvers<NodeExchange>();
    const port = await serve((_request, exchange) => {
      called.resolve(exchange as NodeExchange);
      return {
        status: 200,
        body: (async function* () {
          for (; pulled < 32; pulled++) yield piece;
        })(),
      };
    });
    const req = httpRequest({ port, agent: false }).end();
    const [res] = (await once(req, "response")) as [IncomingMessage];
    const exchange = await called.promise;
    while (exchange.waitingFor !== "reader") await turn();
    expect(pulled).toBeLessThan(32);
    let length = 0;
    for await (const chunk of res as AsyncIterable<Buffer>) length += chunk.byteLength;
    expect(length).toBe(32 * piece.byteLength);
  });

  test("the head is sent before a first piece that takes long", async () => {
    const gate = Promise.withResolvers<void>();
    const port = await serve(() => ({
      status: 200,
      body: (async function* () {
        await gate.promise;
        yield "late";
      })(),
    }));
    const req = httpRequest({ port, agent: false }).end();
    const [res] = (await once(req, "response")) as [IncomingMessage];
    gate.resolve();
    expect(await text(res)).toBe("late");
  });

  test("unread content is drained up to the limit, and the connection goes on", async () => {
    const port = await serve(() => ({ status: 200, body: "ok" }), { maxDrainBytes: 10 });
    const small = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345";
    const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    expect((await raw(port, small + last)).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    const large = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${"x".repeat(50_000)}`;
    expect((await raw(port, large)).match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  });

  test("content beyond maxBodyBytes is refused with 413, with and without a Content-Length", async () => {
    const port = await serve(async (request) => ({ status: 200, body: await readText(request) }), {
      maxBodyBytes: 4,
    });
    expect((await get(port, "/", { method: "POST" }, "12345")).status).toBe(413);
    const headers = { "transfer-encoding": "chunked" };
    expect((await get(port, "/", { method: "POST", headers }, "12345")).status).toBe(413);
    expect((await get(port, "/", { method: "POST", headers }, "1234")).body).toBe("1234");
  });

  test("the request body fails if the client is gone in the middle of it", async () => {
    const failed = Promise.withResolvers<unknown>();
    const reading = Promise.withResolvers<void>();
    const port = await serve(async (request) => {
      try {
        for await (const _ of request.body ?? []) reading.resolve();
      } catch (error) {
        failed.resolve(error);
      }
      return { status: 200 };
    });
    const socket = connect(port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123");
    await reading.promise;
    socket.destroy();
    expect(await failed.promise).toMatchObject({ code: "CLIENT_DISCONNECTED" });
  });

  test("a body has one reader, and the connection goes on after a reader that leaves early", async () => {
    const port = await serve(async (request) => {
      if (request.body === null) return { status: 200, body: "none" };
      for await (const _ of request.body) break;
      const again = () => request.body?.[Symbol.asyncIterator]();
      expect(again).toThrow(TypeError);
      return { status: 200, body: "left" };
    });
    expect((await get(port, "/", { method: "POST" }, "12345")).body).toBe("left");
    expect((await get(port)).body).toBe("none");
  });

  test("gives the trailers of a request", async () => {
    const port = await serve(async (request) => {
      await readText(request);
      return { status: 200, body: (await request.trailers)?.get("x-sum") ?? "" };
    });
    const chunked =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n";
    expect(await raw(port, `${chunked}\r\n1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n`)).toMatch(/7/);
  });

  test("sends informational responses first, and none to HTTP/1.0", async () => {
    const port = await serve((_request, exchange) => {
      exchange.sendInformational?.(103, { link: "</a.css>; rel=preload" });
      return { status: 200, body: "final" };
    });
    expect(await raw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200/,
    );
    expect(await raw(port, "GET / HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200/);
  });

  test("runs startup once at the first request; close() drains, waits for waitUntil and shuts down", async () => {
    const events: string[] = [];
    const work = Promise.withResolvers<void>();
    let exchange: Exchange<string> | undefined;
    const listener: NodeListener = toNode<string>({
      startup: async ({ software }) => {
        events.push(`startup ${software}`);
        return "state";
      },
      fetch: (_request, given) => {
        exchange = given;
        given.waitUntil(work.promise.then(() => events.push("work")));
        return { status: 200, body: given.state };
      },
      shutdown: (state) => void events.push(`shutdown ${state}`),
    });
    const port = await listen(listener);
    expect((await get(port)).body + (await get(port)).body).toBe("statestate");
    const closed = listener.close();
    expect(exchange?.draining.reason).toMatchObject({ code: "SERVER_CLOSED" });
    expect((await get(port)).headers.connection).toBe("close");
    work.resolve();
    await closed;
    expect(events).toEqual([`startup tsgi-to-node/${VERSION}`, "work", "work", "work", "shutdown state"]);
  });

  test("drain() lets an event stream end while the host waits for it", async () => {
    const events: string[] = [];
    const listener = toNode({
      fetch: (_request, { draining }) => ({
        status: 200,
        body: (async function* () {
          yield "first ";
          await once(draining, "abort");
          yield "last";
        })(),
      }),
      shutdown: () => void events.push("shutdown"),
    });
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await once(socket, "data");
    const stopped = once(server.close(), "close");
    listener.drain();
    listener.drain();
    expect(await text(socket)).toContain("last");
    await stopped;
    expect(events).toEqual([]);
    await listener.close();
    expect(events).toEqual(["shutdown"]);
  });

  test.each<[string, unknown, string]>([
    ["undefined", undefined, "returned undefined. It must return a response, such as"],
    ["null", null, "returned null."],
    ["a string", "text", 'returned the string "text".'],
    ["a number", 200, "returned the number 200."],
    ["a numeric field", { status: 200, headers: { "x-count": 5 } }, '"x-count" must be a string, not the number 5'],
  ])("a handler that returns %s: the log says what is wrong", async (_name, returned, message) => {
    const port = await serve(() => returned as OutgoingResponse);
    quiet.error.mockClear();
    expect((await get(port)).status).toBe(500);
    expect(String(quiet.error.mock.calls[0]?.[1])).toContain(message);
  });

  test.each<[string, () => NonNullable<OutgoingResponse["body"]>]>([
    ["a whole body", () => "ours"],
    ["a body in pieces", () => pieces("ours")],
  ])("beside the fields of middleware, with %s: cookies and Vary are added, others replaced", async (_name, body) => {
    const app = express()
      .use((_req, res, next) => {
        res.cookie("outer", "1");
        res.vary("Origin").set("x-both", "outer");
        next();
      })
      .use(
        toNode(() => ({
          status: 200,
          headers: { "set-cookie": "ours=1", Vary: "Cookie", "x-both": "ours" },
          body: body(),
        })),
      );
    const { headers } = await get(await listen(app));
    expect(headers).toMatchObject({
      "set-cookie": ["outer=1; Path=/", "ours=1"],
      vary: "Origin, Cookie",
      "x-both": "ours",
    });
  });

  describe("a Node stream as a body is released", () => {
    const source = () => {
      const stream = new PassThrough();
      stream.write("first");
      return { stream, closed: once(stream, "close") };
    };

    test.each<[string, string, number]>([
      ["HEAD", "HEAD", 200],
      ["a 204", "GET", 204],
      ["a 304", "GET", 304],
      ["a refused head", "GET", 99],
    ])("with %s", async (_name, method, status) => {
      const { stream, closed } = source();
      const port = await serve(() => ({ status, body: stream }));
      await get(port, "/", { method });
      await closed;
      expect(stream.destroyed).toBe(true);
    });

    test.each<[string, () => Promise<unknown> | undefined]>([
      ["while it is sent", () => undefined],
      ["before the response", () => new Promise((resolve) => setImmediate(resolve))],
    ])("when the client is gone %s", async (_name, wait) => {
      const { stream, closed } = source();
      const called = Promise.withResolvers<AbortSignal>();
      const port = await serve(async (request) => {
        called.resolve(request.signal);
        if (wait() !== undefined) await once(request.signal, "abort");
        return { status: 200, body: stream };
      });
      // The server may reset the connection.
      const socket = connect(port, "127.0.0.1").on("error", () => undefined);
      socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await called.promise;
      if (wait() === undefined) await once(socket, "data");
      socket.end();
      await closed;
      expect(stream.destroyed).toBe(true);
    });

    test.each([["GET"], ["HEAD"]])("when it fails, on %s: there is no uncaught exception", async (method) => {
      const closed = Promise.withResolvers<void>();
      const port = await serve(() => ({
        status: 200,
        body: createReadStream("/there/is/no/such/file").on("close", closed.resolve),
      }));
      // The file is opened after the head may have left, so that GET gets a 500 or a truncated response.
      await raw(port, `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`).catch(() => undefined);
      await closed.promise;
    });
  });

  test("HEAD of an endless stream: its source is cancelled", async () => {
    const over = Promise.withResolvers<unknown>();
    const body = new ReadableStream({ pull: (stream) => stream.enqueue("x"), cancel: over.resolve });
    const port = await serve(() => ({ status: 200, body }));
    expect((await get(port, "/", { method: "HEAD" })).status).toBe(200);
    expect(await over.promise).toBeInstanceOf(Error);
  });

  test("a store that one handler enters does not reach the next pipelined request, and reaches its body", async () => {
    const storage = new AsyncLocalStorage<string>();
    const port = await serve((request) => {
      const inherited = storage.getStore() ?? "none";
      storage.enterWith(request.url.slice(-1));
      return {
        status: 200,
        body: (async function* () {
          yield `[${inherited} `;
          yield `${storage.getStore()}]`;
        })(),
      };
    });
    const requests = `GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const received = await raw(port, requests);
    expect(received.replaceAll(/\r\n[0-9a-f]+\r\n/g, "")).toMatch(/\[none 1\][^]*\[none 2\]/);
  });

  test("pieces that are at hand in one turn leave in one write", async () => {
    // The writer looks at the clock after 8 pieces: a body that has run for 5 ms then, on a busy machine too, leaves others a turn.
    const listener = toNode(() => ({ status: 200, body: pieces(...Array.from({ length: 7 }, () => "x".repeat(100))) }));
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => server.close());
    const writes: MockInstance[] = [];
    server.on("connection", (socket: Socket) => {
      writes.push(vi.spyOn(socket, "_write"), vi.spyOn(socket, "_writev" as "_write"));
    });
    expect((await get((server.address() as AddressInfo).port)).body).toBe("x".repeat(700));
    // One for the head and the pieces, one for the end of the content.
    expect(writes.flatMap((write) => write.mock.calls).length).toBeLessThan(3);
  });

  test("response fields of HTTP/2 may have any name", async () => {
    const server = createHttp2Server(
      toNode(() => ({
        status: 200,
        headers: [
          ["constructor", "a"],
          ["__proto__", "b"],
          ["x-two", "1"],
          ["x-two", "2"],
        ],
      })) as never,
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closers.push(() => {
      session.destroy();
      server.close();
    });
    const [headers] = (await once(session.request({ ":path": "/" }), "response")) as [Record<string, string>];
    expect(Object.entries(headers)).toEqual(
      expect.arrayContaining([
        ["constructor", "a"],
        ["x-two", "1, 2"],
      ]),
    );
  });

  test("runs below a mount of Express, beside the fields of other middleware", async () => {
    const app = express();
    app.use((_req, res, next) => {
      res.setHeader("X-Outer", "1");
      next();
    });
    app.use(
      "/mount",
      toNode(async (request, exchange) => ({
        status: 201,
        headers: [
          ["x-powered-by", "us"],
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ],
        body: `${new URL(request.url).pathname} ${exchange.target} ${await readText(request)}`,
      })),
    );
    app.use((_req, res) => void res.status(404).end("express"));
    const port = await listen(app);
    const response = await get(port, "/mount/x", { method: "POST" }, "body");
    expect([response.status, response.body]).toEqual([201, "/x /mount/x body"]);
    expect(response.headers).toMatchObject({ "x-outer": "1", "x-powered-by": "us", "set-cookie": ["a=1", "b=2"] });
    expect((await get(port, "/")).body).toBe("express");
  });
});

function raise(error: Error): never {
  throw error;
}

async function* failing(): AsyncGenerator<string> {
  yield "first";
  throw new Error("body");
}

async function* late(piece: string): AsyncGenerator<string> {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  yield piece;
}
