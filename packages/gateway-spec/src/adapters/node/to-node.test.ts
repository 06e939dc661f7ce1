import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import express from "express";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readText } from "../../body.ts";
import type { Application, Exchange, Handler, IncomingRequest, OutgoingResponse } from "../../index.ts";
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
  // A reset after the head is told by the response; node tells it here, too.
  req.on("error", () => undefined);
  // A reset after the head fails the reading of the response, and this too.
  req.on("error", () => undefined);
  req.end(body);
  const [res] = (await once(req, "response")) as [IncomingMessage];
  return { status: res.statusCode, headers: res.headers, body: await text(res), trailers: res.trailers };
}

/** Sends bytes and gives back all that the server wrote until it closed. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  return text(socket);
}

describe("toNode", () => {
  test("hands over the request and its exchange", async () => {
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
    const answer = await raw(port, `${head}Connection: close\r\n\r\n`);
    expect(answer.slice(answer.indexOf("\r\n\r\n") + 4)).toBe(url.replace("PORT", String(port)));
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
    const answer = await get(port);
    expect([answer.status, answer.body]).toEqual([response.status, body]);
    for (const name in headers) expect(answer.headers[name]).toBe(headers[name]);
  });

  test.each<[string, NonNullable<OutgoingResponse["body"]> | null]>([
    ["no body", null],
    ["a body of ASCII", "a"],
    ["a body beyond ASCII", "d\u00e9"],
    ["a piece beyond ASCII", pieces("d\u00e9")],
    ["a piece that is long in coming", late("d\u00e9")],
  ])("a field value is sent a byte a character, with %s", async (_name, body) => {
    const port = await serve(() => ({ status: 200, headers: { "x-name": "caf\u00e9" }, body }));
    const { headers, body: received } = await get(port);
    expect([headers["x-name"], received]).toEqual([
      "caf\u00e9",
      body === null || body === "a" ? (body ?? "") : "d\u00e9",
    ]);
  });

  test("set-cookie lines stay apart, and trailers follow the body", async () => {
    const port = await serve(() => ({
      status: 200,
      headers: { "set-cookie": ["a=1", "b=2"], trailer: "x-sum" },
      body: "whole",
      trailers: () => Promise.resolve({ "x-sum": "5" }),
    }));
    const answer = await get(port);
    expect([answer.headers["set-cookie"], answer.body, answer.trailers]).toEqual([
      ["a=1", "b=2"],
      "whole",
      { "x-sum": "5" },
    ]);
  });

  test.each<[string, string, number]>([
    ["HEAD", "HEAD", 200],
    ["204", "GET", 204],
    ["304", "GET", 304],
  ])("%s has no content, its body is cancelled and the signal stays silent", async (_name, method, status) => {
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
    ["answers nothing", () => undefined],
    ["answers a status out of range", () => ({ status: 99 })],
    ["answers 101 without an upgrade", () => ({ status: 101 })],
    ["splits a header", () => ({ status: 200, headers: { x: "a\r\nb: c" } })],
    ["answers a synchronous iterable", () => ({ status: 200, body: ["a"] })],
    ["announces another length than it sends", () => ({ status: 200, headers: { "content-length": "9" }, body: "a" })],
  ])("a handler that %s is a bare 500, and the next request is served", async (_name, handler) => {
    const failed = Promise.withResolvers<unknown>();
    const port = await serve((request, exchange) => {
      if (request.url.endsWith("/ok")) return { status: 200, body: "ok" };
      exchange.completed.catch((error: unknown) => {
        failed.resolve(error);
        expect(request.signal.reason).toBe(error);
      });
      return handler() as OutgoingResponse;
    });
    quiet.error.mockClear();
    const answer = await get(port);
    expect([answer.status, answer.body]).toEqual([500, "Internal Server Error\n"]);
    expect(quiet.error).toHaveBeenCalledTimes(1);
    expect(await failed.promise).toMatchObject({ code: "RESPONSE_FAILED" });
    expect((await get(port, "/ok")).body).toBe("ok");
  });

  test.each<[string, () => Omit<OutgoingResponse, "status">]>([
    ["a body that throws", () => ({ body: failing() })],
    ["a body that is shorter than announced", () => ({ headers: { "content-length": "9" }, body: pieces("abc") })],
    ["a body that is longer than announced", () => ({ headers: { "content-length": "2" }, body: pieces("a", "bc") })],
    ["a piece that is no piece", () => ({ body: pieces("abc", 1 as unknown as string) })],
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

  test("a client that goes away: the signal aborts, then the body is cancelled, then completed rejects", async () => {
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

  test("a client that went away before the answer: the answer's body is cancelled", async () => {
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
    let seen: Exchange | undefined;
    const port = await serve((_request, exchange) => {
      seen = exchange;
      return {
        status: 200,
        body: (async function* () {
          for (; pulled < 32; pulled++) yield piece;
        })(),
      };
    });
    const req = httpRequest({ port, agent: false }).end();
    const [res] = (await once(req, "response")) as [IncomingMessage];
    await vi.waitFor(() => {
      expect(seen).toMatchObject({ waitingFor: "reader" });
    });
    expect(pulled).toBeLessThan(32);
    let length = 0;
    for await (const chunk of res as AsyncIterable<Buffer>) length += chunk.byteLength;
    expect(length).toBe(32 * piece.byteLength);
  });

  test("the head leaves before a first piece that is long in coming", async () => {
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

  test("content left unread is drained up to the limit, and the connection goes on", async () => {
    const port = await serve(() => ({ status: 200, body: "ok" }), { maxDrainBytes: 10 });
    const small = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345";
    const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    expect((await raw(port, small + last)).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    const large = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${"x".repeat(50_000)}`;
    expect((await raw(port, large)).match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  });

  test("content beyond maxBodyBytes is 413, also where its length was not announced", async () => {
    const port = await serve(async (request) => ({ status: 200, body: await readText(request) }), {
      maxBodyBytes: 4,
    });
    expect((await get(port, "/", { method: "POST" }, "12345")).status).toBe(413);
    const headers = { "transfer-encoding": "chunked" };
    expect((await get(port, "/", { method: "POST", headers }, "12345")).status).toBe(413);
    expect((await get(port, "/", { method: "POST", headers }, "1234")).body).toBe("1234");
  });

  test("an uploader that goes away fails the body", async () => {
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

  test("a body has one reader, and leaving it early leaves the connection", async () => {
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

  test("received trailers", async () => {
    const port = await serve(async (request) => {
      await readText(request);
      return { status: 200, body: (await request.trailers)?.get("x-sum") ?? "" };
    });
    const chunked =
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n";
    expect(await raw(port, `${chunked}\r\n1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n`)).toMatch(/7/);
  });

  test("informational responses come first, and none to HTTP/1.0", async () => {
    const port = await serve((_request, exchange) => {
      exchange.sendInformational?.(103, { link: "</a.css>; rel=preload" });
      return { status: 200, body: "final" };
    });
    expect(await raw(port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200/,
    );
    expect(await raw(port, "GET / HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 200/);
  });

  test("starts once, at the first request; drains, waits and shuts down at close", async () => {
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
    expect(events).toEqual(["startup tsgi-to-node/0.1.0", "work", "work", "work", "shutdown state"]);
  });

  test("runs inside Express: below its mount, beside its fields, after its parsers", async () => {
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
    const answer = await get(port, "/mount/x", { method: "POST" }, "body");
    expect([answer.status, answer.body]).toEqual([201, "/x /mount/x body"]);
    expect(answer.headers).toMatchObject({ "x-outer": "1", "x-powered-by": "us", "set-cookie": ["a=1", "b=2"] });
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
