/** HTTP/2 on the node server, by clients of node:http2: how the rules of HTTP/1.1 hold there. */
import { type EventEmitter, once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Application, Exchange, Handler, Server } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { lint } from "@tsgi/gateway-spec/lint";
import { afterEach, describe, expect, test, vi } from "vitest";
import { listen } from "../src/node-http/listen.ts";
import { DEFAULT_LIMITS, type NodeServeOptions } from "../src/options.ts";
import { selfSigned } from "../src/tls/self-signed.ts";
import { ManualClock } from "./manual-clock.ts";

const pair = selfSigned();
const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const clock = new ManualClock();
const servers: Server[] = [];
const sessions: ClientHttp2Session[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  const closed = Promise.all(servers.splice(0).map((server) => server.close()));
  // An idle connection stays open for `drainIdleMs`.
  clock.advance(2000);
  await closed;
  vi.resetAllMocks();
});

async function start(application: Application | Handler, options: NodeServeOptions = {}): Promise<ClientHttp2Session> {
  const server = await listen(lint(application), { logger, tls: pair, ...options }, clock);
  servers.push(server);
  return open(server);
}

function open(server: Server): ClientHttp2Session {
  const session = connect(server.url, { ca: pair.cert });
  session.on("error", () => undefined);
  sessions.push(session);
  return session;
}

/** Moves the clock by a second in each turn of the event loop, for as long as it takes. @returns the time in milliseconds. */
async function advanceUntil(holds: () => boolean): Promise<number> {
  let timeMs = 0;
  for (; !holds(); timeMs += 1000) {
    clock.advance(1000);
    await new Promise(setImmediate);
  }
  return timeMs;
}

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly trailers: IncomingHttpHeaders | null;
  readonly informational: readonly IncomingHttpHeaders[];
  /** The error code with which the stream ended. */
  readonly code: number;
}

function send(session: ClientHttp2Session, fields: OutgoingHttpHeaders = {}, body?: string): ClientHttp2Stream {
  const stream = session.request({ ":path": "/", ...fields }, { endStream: body === undefined });
  stream.on("error", () => undefined);
  if (body !== undefined) stream.end(body);
  return stream;
}

/** Not by once() of node:events, which rejects for what was reset. */
function closeOf(emitter: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    emitter.once("close", resolve);
  });
}

async function receive(stream: ClientHttp2Stream): Promise<Received> {
  const pieces: Buffer[] = [];
  const informational: IncomingHttpHeaders[] = [];
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | null = null;
  stream.on("headers", (fields) => informational.push(fields));
  stream.on("response", (fields) => (headers = fields));
  stream.on("trailers", (fields) => (trailers = fields));
  stream.on("data", (piece: Buffer) => pieces.push(piece));
  await closeOf(stream);
  return { headers, text: Buffer.concat(pieces).toString(), trailers, informational, code: stream.rstCode ?? 0 };
}

test("the handler gets the request and its exchange", async () => {
  let seen: object = {};
  const session = await start(async (request, exchange) => {
    seen = {
      method: request.method,
      url: request.url,
      host: request.headers.get("host"),
      names: Array.from(request.headers, ([name]) => name),
      cookie: request.headers.get("cookie"),
      target: exchange.target,
      protocol: exchange.protocol,
      encrypted: exchange.encrypted,
      alpn: exchange.tls?.applicationProtocol,
      upgrade: "upgradeWebSocket" in exchange,
      peer: exchange.peerAddress?.transport,
      body: await readText(request),
    };
    return { status: 201, headers: { "set-cookie": ["a=1", "b=2"] }, body: "hello" };
  });
  const stream = send(
    session,
    { ":method": "POST", ":path": "/a%2Fb?c", ":authority": "example.test", cookie: ["x=1", "y=2"], accept: "*/*" },
    "content",
  );
  const { headers, text, code } = await receive(stream);
  expect(seen).toEqual({
    method: "POST",
    url: "https://example.test/a%2Fb?c",
    host: "example.test",
    names: ["host", "cookie", "accept"],
    cookie: "x=1; y=2",
    target: "/a%2Fb?c",
    protocol: "2",
    encrypted: true,
    alpn: "h2",
    upgrade: false,
    peer: "tcp",
    body: "content",
  });
  expect(headers).toMatchObject({ ":status": 201, "set-cookie": ["a=1", "b=2"], "content-length": "5" });
  expect([text, code]).toEqual(["hello", constants.NGHTTP2_NO_ERROR]);
});

test("trailers in both directions, a body in pieces, and an informational response before it", async () => {
  const session = await start((request, exchange) => {
    exchange.sendInformational?.(103, { link: ["</a>", "</b>"] });
    return {
      status: 200,
      headers: { trailer: "x-count, x-more" },
      body: (async function* () {
        for await (const piece of request.body ?? []) yield piece;
      })(),
      trailers: async () => ({ "x-count": (await request.trailers)?.get("x-count") ?? "", "x-more": ["1", "2"] }),
    };
  });
  const stream = session.request({ ":method": "POST", ":path": "/" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => {
    stream.sendTrailers({ "x-count": "2" });
  });
  stream.end("content");
  const { text, trailers, informational } = await receive(stream);
  expect(text).toBe("content");
  expect(trailers).toMatchObject({ "x-count": "2", "x-more": "1, 2" });
  expect(informational).toMatchObject([{ ":status": 103 }]);
});

test("100 Continue is sent at the first pull of the content", async () => {
  const session = await start(async (request) => ({ status: 200, body: await readText(request) }));
  const stream = session.request({ ":method": "POST", ":path": "/", expect: "100-continue" });
  stream.once("continue", () => stream.end("content"));
  expect(await receive(stream)).toMatchObject({ text: "content" });
});

test.each([
  ["a line break in a field", { headers: { "x-a": "b\r\nc: d" } }],
  ["an invalid field name", { headers: { "x a": "b" } }],
  ["an invalid status", { status: 99 }],
])("%s: the response is a 500", async (_what, response) => {
  const server = await listen(() => ({ status: 200, ...response }), { logger, tls: pair }, clock);
  servers.push(server);
  const { headers } = await receive(send(open(server)));
  expect(headers[":status"]).toBe(500);
});

test("HEAD, 204 and 304 have no content", async () => {
  const session = await start((_request, exchange) => {
    const status = Number(exchange.target.slice(1));
    return status === 200 ? { status, body: "hello" } : { status };
  });
  expect(await receive(send(session, { ":method": "HEAD", ":path": "/200" }))).toMatchObject({
    headers: { "content-length": "5" },
    text: "",
  });
  expect((await receive(send(session, { ":path": "/204" }))).headers).not.toHaveProperty("content-length");
  expect(await receive(send(session, { ":path": "/304" }))).toMatchObject({ text: "" });
});

test.each([
  ["a long target", { ":path": `/${"a".repeat(8192)}` }, 414],
  ["a long head", { "x-long": "a".repeat(16_384) }, 431],
  ["many fields", Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, "1"])), 431],
  ["two hosts", { ":authority": "a.test", host: "b.test" }, 400],
  ["too much content", { ":method": "POST", "content-length": "16777217" }, 413],
  ["an unknown expectation", { expect: "tea" }, 417],
])("%s is refused as over HTTP/1.1, and the connection goes on", async (_what, fields, status) => {
  const session = await start(() => ({ status: 200, body: "hello" }));
  const refused = session.request({ ":path": "/", ...fields }, { endStream: status !== 413 });
  refused.on("error", () => undefined);
  expect((await receive(refused)).headers[":status"]).toBe(status);
  expect(logger.warn).toHaveBeenCalledOnce();
  expect(await receive(send(session))).toMatchObject({ text: "hello" });
});

test("CONNECT is rejected", async () => {
  const handler = vi.fn<Handler>(() => ({ status: 200 }));
  const session = await start(handler);
  const stream = session.request({ ":method": "CONNECT", ":authority": "example.test:80" });
  stream.end();
  const { headers } = await receive(stream);
  expect(headers[":status"]).toBeGreaterThanOrEqual(400);
  expect(handler).not.toHaveBeenCalled();
});

test("content without a length is refused with 413 when it grows too long", async () => {
  const session = await start(async (request) => ({ status: 200, body: await readText(request) }), {
    maxBodyBytes: 10,
  });
  expect((await receive(send(session, { ":method": "POST" }, "x".repeat(20)))).headers[":status"]).toBe(413);
});

test("a stream that the client resets fails its exchange, and the other streams go on", async () => {
  const aborted = Promise.withResolvers<unknown>();
  const completed = Promise.withResolvers<unknown>();
  const session = await start((request, exchange) => {
    if (exchange.target === "/next") return { status: 200, body: "next" };
    request.signal.addEventListener("abort", () => {
      aborted.resolve(request.signal.reason);
    });
    exchange.completed.catch(completed.resolve);
    return {
      status: 200,
      body: (async function* () {
        yield "first";
        await aborted.promise;
      })(),
    };
  });
  const stream = send(session);
  await once(stream, "data");
  stream.close(constants.NGHTTP2_CANCEL);
  expect(await aborted.promise).toMatchObject({ code: "CLIENT_DISCONNECTED" });
  expect(await completed.promise).toMatchObject({ code: "CLIENT_DISCONNECTED" });
  expect(await receive(send(session, { ":path": "/next" }))).toMatchObject({ text: "next" });
});

test("a late error resets the stream, and the other streams go on", async () => {
  const session = await start((_request, exchange) => ({
    status: 200,
    body: (async function* () {
      yield "half";
      if (exchange.target === "/") throw new Error("late");
    })(),
  }));
  expect(await receive(send(session))).toMatchObject({ code: constants.NGHTTP2_INTERNAL_ERROR });
  expect(await receive(send(session, { ":path": "/next" }))).toMatchObject({ text: "half", code: 0 });
});

test("a client that goes on sending content after the response gets a RST_STREAM with NO_ERROR", async () => {
  const session = await start(() => ({ status: 200, body: "enough" }), { maxDrainBytes: 1000 });
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.on("error", () => undefined);
  const more = () => {
    while (!stream.closed && stream.write("x".repeat(10_000)));
  };
  stream.on("drain", more);
  more();
  let received = "";
  stream.on("data", (piece: Buffer) => (received += piece.toString()));
  // Not "close": up to Node 24 a client does not emit it while its own side is open.
  await Promise.all([once(stream, "end"), once(stream, "aborted")]);
  expect([received, stream.aborted, stream.rstCode]).toEqual(["enough", true, constants.NGHTTP2_NO_ERROR]);
});

test("response fields may be named like members of Object", async () => {
  const session = await start(() => ({ status: 200, headers: { constructor: "a", "to-string": "b" } }));
  const { headers } = await receive(send(session));
  expect(Object.entries(headers)).toEqual(
    expect.arrayContaining([
      ["constructor", "a"],
      ["to-string", "b"],
    ]),
  );
});

test.each<[string, OutgoingHttpHeaders, (stream: ClientHttp2Stream) => void]>([
  ["HEAD", { ":method": "HEAD" }, () => undefined],
  ["a stream that the client resets", {}, (stream) => stream.close(constants.NGHTTP2_CANCEL)],
  ["a client that closes the connection", {}, (stream) => stream.session?.destroy()],
])("a Node stream as a body is released after %s", async (_what, fields, leave) => {
  const body = new PassThrough();
  const closed = once(body, "close");
  body.write("first");
  // Without the checker, which wraps bodies.
  const server = await listen(() => ({ status: 200, body }), { logger, tls: pair }, clock);
  servers.push(server);
  const stream = send(open(server), fields);
  stream.resume().once("response", () => {
    leave(stream);
  });
  await closed;
  expect(body.destroyed).toBe(true);
});

test("a client that ends its connection while a handler runs: the signal aborts", async () => {
  const called = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<unknown>();
  const handler: Handler = async (request) => {
    request.signal.addEventListener("abort", () => {
      aborted.resolve(request.signal.reason);
    });
    called.resolve();
    await aborted.promise;
    return { status: 200 };
  };
  const server = await listen(handler, { logger, tls: pair }, clock);
  servers.push(server);
  if (server.address.transport !== "tcp") throw new Error("no port");
  const socket = connectTls({ port: server.address.port, host: "127.0.0.1", ca: pair.cert, ALPNProtocols: ["h2"] });
  const session = connect(server.url, { createConnection: () => socket });
  sessions.push(session);
  session.on("error", () => undefined);
  send(session);
  await called.promise;
  socket.end();
  expect(await aborted.promise).toMatchObject({ code: "CLIENT_DISCONNECTED" });
});

/** A session through a relay that can hold back the bytes of both sides. */
async function throttle(
  server: Server,
): Promise<{ session: ClientHttp2Session; hold: () => void; release: () => void }> {
  if (server.address.transport !== "tcp") throw new Error("no port");
  const { port } = server.address;
  let far: Socket | undefined;
  const relay = createServer((near) => {
    far = connectTcp(port, "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on("error", () => undefined);
    near.on("close", () => relay.close());
  });
  await once(relay.listen(0, "127.0.0.1"), "listening");
  const { port: relayed } = relay.address() as AddressInfo;
  const session = open({ ...server, url: `https://127.0.0.1:${relayed}/` });
  await once(session, "remoteSettings");
  return { session, hold: () => far?.pause(), release: () => far?.resume() };
}

describe("shutdown", () => {
  const serve = async (application: Handler, options: NodeServeOptions = {}): Promise<Server> => {
    const server = await listen(lint(application), { logger, tls: pair, ...options }, clock);
    servers.push(server);
    return server;
  };

  test("a running stream ends, and a GOAWAY names it as the last one at once", async () => {
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<Exchange>();
    const server = await serve(async (_request, exchange) => {
      started.resolve(exchange);
      await gate.promise;
      return { status: 200, body: exchange.target };
    });
    const { session, hold, release } = await throttle(server);
    const slow = receive(send(session, { ":path": "/slow" }));
    const { draining } = await started.promise;
    const goaway = once(session, "goaway") as Promise<[number, number]>;
    hold();
    const closed = server.close();
    expect(draining.aborted).toBe(true);
    // The GOAWAY is on its way. The client learns that this request was not processed, so that it may send it again elsewhere.
    const late = receive(send(session, { ":path": "/late" }));
    release();
    expect((await goaway).slice(0, 2)).toEqual([constants.NGHTTP2_NO_ERROR, 1]);
    expect(await late).toMatchObject({ text: "", code: constants.NGHTTP2_REFUSED_STREAM });
    gate.resolve();
    expect(await slow).toMatchObject({ text: "/slow", code: constants.NGHTTP2_NO_ERROR });
    await closed;
  });

  test("a request that is on its way on an idle connection is handled as the last one", async () => {
    const server = await serve((_request, exchange) => ({ status: 200, body: exchange.target }));
    const { session, hold, release } = await throttle(server);
    expect(await receive(send(session, { ":path": "/first" }))).toMatchObject({ text: "/first" });
    const goaway = once(session, "goaway") as Promise<[number, number]>;
    hold();
    const closed = server.close();
    // A turn of the event loop, in which the server may write and stop reading.
    await new Promise(setImmediate);
    const late = receive(send(session, { ":path": "/late" }));
    release();
    expect(await late).toMatchObject({ text: "/late", code: constants.NGHTTP2_NO_ERROR });
    expect((await goaway).slice(0, 2)).toEqual([constants.NGHTTP2_NO_ERROR, 3]);
    await closed;
  });

  test("a request that arrives after the GOAWAY was decided is not handled, and its stream is refused", async () => {
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const handler = vi.fn<Handler>(async () => {
      started.resolve();
      await gate.promise;
      return { status: 200, body: "hello" };
    });
    const server = await serve(handler);
    const session = open(server);
    const first = receive(send(session));
    await started.promise;
    const late = receive(send(session));
    // The client writes at the end of this turn, so that the server reads the request before it writes its GOAWAY.
    await new Promise(setImmediate);
    const closed = server.close();
    expect(await late).toMatchObject({ text: "", code: constants.NGHTTP2_REFUSED_STREAM });
    expect(handler).toHaveBeenCalledOnce();
    gate.resolve();
    expect(await first).toMatchObject({ text: "hello", code: constants.NGHTTP2_NO_ERROR });
    await closed;
  });

  test("close() does not wait for a client that closes its session at the same time", async () => {
    const server = await serve(() => ({ status: 200, body: "hello" }));
    const session = open(server);
    expect(await receive(send(session))).toMatchObject({ text: "hello" });
    session.destroy();
    await server.close();
  });

  test("an idle connection is closed after drainIdleMs, a stream that does not end at the deadline", async () => {
    const failed = Promise.withResolvers<unknown>();
    const session = await start(
      (request) => {
        request.signal.addEventListener("abort", () => {
          failed.resolve(request.signal.reason);
        });
        return new Promise(() => undefined);
      },
      { shutdownTimeoutMs: 5000 },
    );
    const [server] = servers;
    if (server === undefined) throw new Error("no server");
    const idle = open(server);
    await Promise.all([once(idle, "remoteSettings"), once(session, "remoteSettings")]);
    const stuck = send(session);
    await new Promise<void>((resolve) => {
      idle.ping(() => {
        resolve();
      });
    });
    await new Promise<void>((resolve) => {
      session.ping(() => {
        resolve();
      });
    });
    const closed = server.close();
    clock.advance(2000);
    await closeOf(idle);
    clock.advance(5000);
    await closeOf(stuck);
    expect(await failed.promise).toMatchObject({ code: "SERVER_CLOSED" });
    await closed;
  });
});

describe("a client that keeps its side of the connection open", () => {
  async function openHalf(server: Server): Promise<{ readonly session: ClientHttp2Session; readonly socket: Socket }> {
    if (server.address.transport !== "tcp") throw new Error("no port");
    const socket = connectTcp({ port: server.address.port, host: "127.0.0.1", allowHalfOpen: true });
    const encrypted = connectTls({ socket, ca: pair.cert, servername: "localhost", ALPNProtocols: ["h2"] });
    await once(encrypted, "secureConnect");
    const session = connect(server.url, { createConnection: () => encrypted });
    session.on("error", () => undefined);
    sessions.push(session);
    await once(session, "remoteSettings");
    return { session, socket };
  }

  test("does not delay close() beyond its deadline", async () => {
    const called = Promise.withResolvers<void>();
    await start(
      () => {
        called.resolve();
        return new Promise(() => undefined);
      },
      { shutdownTimeoutMs: 5000 },
    );
    const [server] = servers;
    if (server === undefined) throw new Error("no server");
    const { session } = await openHalf(server);
    send(session);
    await called.promise;
    const closed = server.close();
    clock.advance(5000);
    await closed;
  });

  test("is disconnected after its last response", async () => {
    await start(() => ({ status: 200, body: "hello" }), { maxRequestsPerConnection: 1 });
    const [server] = servers;
    if (server === undefined) throw new Error("no server");
    const { session, socket } = await openHalf(server);
    expect(await receive(send(session))).toMatchObject({ text: "hello" });
    await advanceUntil(() => socket.closed);
  });
});

test("a connection is closed after keepAliveTimeoutMs, and after maxRequestsPerConnection", async () => {
  const idle = await start(() => ({ status: 200, body: "hello" }), { maxRequestsPerConnection: 2 });
  const [server] = servers;
  if (server === undefined) throw new Error("no server");
  await receive(send(idle));
  expect(await advanceUntil(() => idle.destroyed)).toBeGreaterThanOrEqual(DEFAULT_LIMITS.keepAliveTimeoutMs);
  const session = open(server);
  const closed = closeOf(session);
  await receive(send(session));
  await receive(send(session));
  await closed;
});

test.each([Number.POSITIVE_INFINITY, 2 ** 33])("limits of %d are no limits", async (limit) => {
  const limits = Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, limit]));
  const session = await start(async (request) => ({ status: 200, body: await readText(request) }), limits);
  const { text } = await receive(send(session, { ":method": "POST" }, "content"));
  expect(text).toBe("content");
  session.destroy();
});

test("with `http2: false` only HTTP/1.1 is offered", async () => {
  const server = await listen(() => ({ status: 200 }), { logger, tls: pair, http2: false }, clock);
  servers.push(server);
  if (server.address.transport !== "tcp") throw new Error("no port");
  const { port } = server.address;
  const socket: TLSSocket = connectTls({ port, host: "127.0.0.1", ca: pair.cert, ALPNProtocols: ["h2", "http/1.1"] });
  await once(socket, "secureConnect");
  expect(socket.alpnProtocol).toBe("http/1.1");
  socket.destroy();
});
