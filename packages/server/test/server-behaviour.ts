/** The behaviour of every TSGI server, over real sockets and in raw bytes. A server runs the suite with its documented differences. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address, Application, Exchange, Handler, IncomingRequest, Serve, Server } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DEFAULT_LIMITS, type NodeServeOptions } from "../src/options.ts";
import { get, lastContent, post, WireClient } from "./wire-client.ts";

export interface Quirks {
  /** node:http treats a client that closed its sending side as disconnected (TSGI-43 is a SHOULD). */
  readonly halfCloseIsGone?: boolean;
  /** For a server that does not listen on plain TCP. */
  readonly connect?: (address: Address) => Socket;
}

const CLOSE = "Connection: close";

export function describeServer(name: string, serve: Serve<NodeServeOptions>, quirks: Quirks = {}): void {
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const servers: Server[] = [];
  const clients: WireClient[] = [];

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => server.close().catch(() => undefined)));
    vi.resetAllMocks();
  });

  async function start<State>(
    application: Application<State> | Handler,
    options: NodeServeOptions = {},
  ): Promise<{ readonly server: Server; readonly connect: () => WireClient }> {
    const server = await serve(application, { logger, shutdownTimeoutMs: 5000, ...options });
    servers.push(server);
    const connect = () => {
      const client = new WireClient(server.address, quirks.connect?.(server.address));
      clients.push(client);
      return client;
    };
    return { server, connect };
  }

  const echo: Handler = async (request, exchange) => ({
    status: 200,
    body: `${request.method} ${exchange.target} ${await readText(request)};`,
  });

  describe(`${name}: messages`, () => {
    test("a connection is persistent, and closes if the client asks", async () => {
      const { connect } = await start(echo);
      const client = connect();
      await client.send(get("/1")).until("GET /1 ;");
      await client.send(get("/2")).until("GET /2 ;");
      const received = await client.send(get("/3", CLOSE)).end();
      expect(received.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(3);
      expect(received.match(/Connection: close\r\n/gi)).toHaveLength(1);
    });

    test.each([
      ["at once", () => ({ status: 200, body: "last" })],
      ["in a later turn", () => new Promise(setImmediate).then(() => ({ status: 200, body: "last" }))],
    ])(
      "what follows the last request of a connection gets no response, where the last comes %s",
      async (_when, handler) => {
        const { connect } = await start(handler);
        for (const further of [get("/"), "no request"]) {
          const received = await connect()
            .send(get("/", CLOSE) + further)
            .end();
          expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
          expect(lastContent(received)).toBe("last");
        }
      },
    );

    test("a limit of Infinity is no limit, and neither is a time that is longer than node's timers", async () => {
      for (const limit of [Number.POSITIVE_INFINITY, 2 ** 33]) {
        const { connect } = await start(echo, limitsOf(limit));
        const client = connect();
        await client.send(post("/1", "content", "Content-Length: 7")).until("POST /1 content;");
        expect(lastContent(await client.send(get("/2", CLOSE)).end())).toBe("GET /2 ;");
      }
    });

    test("an HTTP/1.0 request receives a response, and its connection closes unless the client asks to keep it", async () => {
      const { connect } = await start(echo);
      const kept = connect();
      await kept.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").until("GET /1 ;");
      expect(kept.received).toMatch(/\r\nConnection: keep-alive\r\n/i);
      expect(lastContent(await kept.send("GET /2 HTTP/1.0\r\n\r\n").end())).toBe("GET /2 ;");
    });

    test("pipelined requests receive their responses in order, whichever is ready first", async () => {
      const gate = Promise.withResolvers<void>();
      const { connect } = await start(async (_request, exchange) => {
        if (exchange.target === "/slow") await gate.promise;
        else gate.resolve();
        return { status: 200, body: `${exchange.target};` };
      });
      // The request that opens the gate uses another connection, because a server may run pipelined requests sequentially.
      const client = connect().send(get("/slow") + get("/fast") + get("/last", CLOSE));
      await connect().send(get("/other")).until("/other;");
      const received = await client.end();
      expect(received.match(/\/\w+;/g)).toEqual(["/slow;", "/fast;", "/last;"]);
    });

    test("content with a Content-Length is transferred both ways", async () => {
      const { connect } = await start(echo);
      const received = await connect()
        .send(post("/", "hello", "Content-Length: 5", CLOSE))
        .end();
      expect(received).toMatch(/\r\nContent-Length: 13\r\n/i);
      expect(lastContent(received)).toBe("POST / hello;");
    });

    test("chunked content is transferred both ways, with trailers", async () => {
      const { connect } = await start((request) => ({
        status: 200,
        headers: { trailer: "x-count" },
        body: request.body ?? "",
        trailers: async () => ({ "x-count": (await request.trailers)?.get("x-count") ?? "" }),
      }));
      const client = connect().send(post("/", "5\r\nhello\r\n", "Transfer-Encoding: chunked", "Trailer: X-Count"));
      // Each piece arrives when it is available.
      await client.until("\r\n5\r\nhello\r\n");
      await client.send("1;extension\r\n!\r\n0\r\nX-Count: 2\r\n\r\n").until("x-count: 2\r\n\r\n");
      expect(client.received).toMatch(/\r\nTransfer-Encoding: chunked\r\n/i);
      expect(client.received).toMatch(/\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nx-count: 2\r\n\r\n$/);
    });

    test.each([
      ["HEAD", "HEAD / HTTP/1.1", 200],
      ["a 204", "GET / HTTP/1.1", 204],
      ["a 304", "GET / HTTP/1.1", 304],
    ])("the response to %s has no content, and its body is cancelled", async (_what, line, status) => {
      const cancel = vi.fn<() => void>();
      const abort = vi.fn<() => void>();
      let completed: Promise<void> | undefined;
      const { connect } = await start((request, exchange) => {
        if (exchange.target === "/next") return { status: 200, body: "next" };
        request.signal.addEventListener("abort", abort);
        ({ completed } = exchange);
        return { status, body: new ReadableStream<Uint8Array>({ cancel }) };
      });
      const received = await connect()
        .send(`${line}\r\nHost: a\r\n\r\n${get("/next", CLOSE)}`)
        .end();
      expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*?\\r\\n\\r\\nHTTP/1\\.1 200 `));
      await completed;
      expect(cancel).toHaveBeenCalledOnce();
      expect(abort).not.toHaveBeenCalled();
    });

    test("the response to HEAD has the Content-Length of the response to GET", async () => {
      const { connect } = await start(() => ({ status: 200, body: "hello" }));
      const received = await connect().send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").end();
      expect(received).toMatch(/\r\nContent-Length: 5\r\n/i);
      expect(lastContent(received)).toBe("");
    });

    test("fields are sent line by line, with a Date and without a guessed Content-Type", async () => {
      const { connect } = await start(() => ({ status: 200, headers: { "set-cookie": ["a=1", "b=2"] }, body: "x" }));
      const received = await connect().send(get("/", CLOSE)).end();
      expect(received).toMatch(/\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n/);
      expect(received).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
      expect(received).not.toMatch(/content-type/i);
    });

    test("100 Continue is sent at the first pull, and not before", async () => {
      const gate = Promise.withResolvers<void>();
      const called = Promise.withResolvers<void>();
      const { connect } = await start(async (request) => {
        called.resolve();
        await gate.promise;
        return { status: 200, body: await readText(request) };
      });
      const client = connect().send(post("/", "", "Content-Length: 5", "Expect: 100-continue", CLOSE));
      await called.promise;
      expect(client.received).toBe("");
      gate.resolve();
      await client.until("HTTP/1.1 100 Continue\r\n\r\n");
      expect(lastContent(await client.send("hello").end())).toBe("hello");
    });

    test("a handler that rejects by the head alone prevents the upload, and the connection closes", async () => {
      const { connect } = await start(() => ({ status: 403 }));
      const client = connect().send(post("/", "", "Content-Length: 5", "Expect: 100-continue"));
      const received = await client.end();
      expect(received).toMatch(/^HTTP\/1\.1 403 /);
      expect(received).toMatch(/\r\nConnection: close\r\n/i);
    });

    test("informational responses precede the final one, and are not sent to HTTP/1.0", async () => {
      const { connect } = await start((_request, exchange) => {
        exchange.sendInformational?.(103, { link: "</a.css>; rel=preload" });
        return { status: 200, body: "final" };
      });
      const received = await connect().send(get("/", CLOSE)).end();
      expect(received).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /);
      expect(await connect().send("GET / HTTP/1.0\r\n\r\n").end()).toMatch(/^HTTP\/1\.1 200 /);
    });

    test("unread content is drained, or the connection closes if it is long", async () => {
      const { connect } = await start(() => ({ status: 200, body: "ok" }), { maxDrainBytes: 10 });
      const short = await connect()
        .send(post("/", "hello", "Content-Length: 5") + get("/", CLOSE))
        .end();
      expect(short.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
      const long = await connect()
        .send(post("/", "x".repeat(50_000), "Content-Length: 100000"))
        .end();
      expect(long.match(/HTTP\/1\.1 200 /g)).toHaveLength(1);
    });

    test(`a client that closed its sending side aborts the signal and ${quirks.halfCloseIsGone === true ? "gets no response" : "still gets the response"}`, async () => {
      const gate = Promise.withResolvers<void>();
      const called = Promise.withResolvers<IncomingRequest>();
      const { connect } = await start(async (request) => {
        called.resolve(request);
        request.signal.addEventListener("abort", () => {
          gate.resolve();
        });
        await gate.promise;
        return { status: 200, body: "late" };
      });
      const client = connect().send(get("/"));
      const request = await called.promise;
      client.socket.end();
      await gate.promise;
      expect(codeOf(request.signal.reason)).toBe("CLIENT_DISCONNECTED");
      const received = await client.end();
      if (quirks.halfCloseIsGone === true) expect(received).toBe("");
      else expect(lastContent(received)).toBe("late");
    });
  });

  describe(`${name}: streams`, () => {
    test("the server waits for a slow reader, and continues when it reads", async () => {
      const piece = Buffer.alloc(256 * 1024, "x");
      const pieces = 200;
      let produced = 0;
      const begun = Promise.withResolvers<void>();
      const { connect } = await start((_request, exchange) => {
        if (exchange.target === "/other") return { status: 200, body: "other;" };
        return {
          status: 200,
          headers: { "content-length": String(pieces * piece.byteLength) },
          body: (async function* () {
            for (; produced < pieces; produced++) {
              begun.resolve();
              yield piece;
            }
          })(),
        };
      });
      const client = connect();
      let length = 0;
      client.socket.removeAllListeners("data").pause();
      client.send(get("/", CLOSE));
      await begun.promise;
      // A server that does not wait would have written everything before it serves another client.
      const other = connect();
      for (let turn = 1; turn <= 20; turn++) await other.send(get("/other")).until("other;", turn);
      expect(produced).toBeLessThan(pieces);
      client.socket.on("data", (bytes) => (length += bytes.length)).resume();
      await client.end();
      expect(produced).toBe(pieces);
      expect(length).toBeGreaterThan(pieces * piece.byteLength);
    });

    test("a client disconnects: the signal aborts, then the body is cancelled, then completed rejects", async () => {
      const events: string[] = [];
      const over = Promise.withResolvers<void>();
      const { connect } = await start((request, exchange) => {
        request.signal.addEventListener("abort", () => events.push(`abort ${codeOf(request.signal.reason)}`));
        exchange.completed.catch((error: unknown) => {
          events.push(`completed ${codeOf(error)}`);
          over.resolve();
        });
        return {
          status: 200,
          body: new ReadableStream<Uint8Array>({
            start: (controller) => {
              controller.enqueue(Buffer.from("first"));
            },
            cancel: () => void events.push("cancel"),
          }),
        };
      });
      const client = connect().send(get("/"));
      await client.until("first");
      client.socket.resetAndDestroy();
      await over.promise;
      expect(events).toEqual(["abort CLIENT_DISCONNECTED", "cancel", "completed CLIENT_DISCONNECTED"]);
      expect(logger.error).not.toHaveBeenCalled();
    });

    test("a client that disconnects during an upload makes the read fail", async () => {
      const failed = Promise.withResolvers<unknown>();
      const reading = Promise.withResolvers<void>();
      const { connect } = await start(async (request) => {
        try {
          for await (const _ of request.body ?? []) reading.resolve();
        } catch (error) {
          failed.resolve(error);
        }
        return { status: 200 };
      });
      const client = connect().send(post("/", "123", "Content-Length: 9"));
      await reading.promise;
      client.socket.resetAndDestroy();
      expect(codeOf(await failed.promise)).toBe("CLIENT_DISCONNECTED");
    });

    test("a client that does not read the response is terminated, in a stream or in a long string", async () => {
      const reasons: string[] = [];
      const over = Promise.withResolvers<void>();
      const long = "x".repeat(32 * 1024 * 1024);
      const { connect } = await start(
        (_request, exchange) => {
          exchange.completed.catch((error: unknown) => {
            if (reasons.push(codeOf(error)) === 2) over.resolve();
          });
          return { status: 200, body: exchange.target === "/long" ? long : endless() };
        },
        { sendTimeoutMs: 1 },
      );
      for (const target of ["/long", "/stream"]) {
        const client = connect();
        client.socket.removeAllListeners("data").pause();
        client.send(get(target));
      }
      await over.promise;
      expect(reasons).toEqual(["RESPONSE_TIMEOUT", "RESPONSE_TIMEOUT"]);
    });

    test("an error after the head terminates the connection, so that the response does not look complete", async () => {
      const { connect } = await start(() => ({
        status: 200,
        body: (async function* () {
          yield "first";
          throw new Error("the body broke");
        })(),
      }));
      const client = connect().send(get("/"));
      const received = await client.end();
      expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
      expect(logger.error).toHaveBeenCalledOnce();
    });
  });

  describe(`${name}: failures`, () => {
    test.each<[string, Handler]>([
      ["throws", () => raise()],
      ["rejects", () => Promise.reject(new Error("secret"))],
      ["returns an invalid status", () => ({ status: 1000 })],
      ["returns a field that splits the response", () => ({ status: 200, headers: { a: "b\r\nc: d" } })],
      ["returns a synchronous iterable", () => ({ status: 200, body: ["secret"] as unknown as string })],
      ["announces another length", () => ({ status: 200, headers: { "content-length": "1" }, body: "secret" })],
    ])("a handler that %s is a bare 500, logged once, and the connection goes on", async (_what, handler) => {
      let failure: Promise<unknown> | undefined;
      const { connect } = await start((request, exchange) => {
        if (exchange.target === "/next") return { status: 200, body: "next" };
        failure = exchange.completed.then(() => request.signal.reason as unknown);
        return handler(request, exchange);
      });
      const client = connect().send(get("/"));
      const received = await client.until("Internal Server Error\n");
      expect(received).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/);
      expect(received).not.toContain("secret");
      expect(codeOf(await failure)).toBe("RESPONSE_FAILED");
      expect(logger.error).toHaveBeenCalledExactlyOnceWith("GET / failed", expect.any(Error));
      expect(lastContent(await client.send(get("/next", CLOSE)).end())).toBe("next");
    });

    test.each([
      ["a bad request line", "GET /\r\n\r\n", 400],
      ["a bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400],
      ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
      ["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
      ["white space before a colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400],
      ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400],
      ["length and chunks", post("/", "", "Content-Length: 1", "Transfer-Encoding: chunked"), 400],
      ["an unknown coding", post("/", "", "Transfer-Encoding: gzip, chunked"), 501],
      ["a bad expectation", get("/", "Expect: more"), 417],
      ["HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505],
      ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501],
      ["a long target", get(`/${"x".repeat(200)}`), 414],
      ["a long head", get("/", `X: ${"x".repeat(2000)}`), 431],
      ["many fields", get("/", ..."abcdefghijk".split("").map((name) => `${name}: 1`)), 431],
      ["too much content", post("/", "", "Content-Length: 17"), 413],
    ])("%s is refused, the connection closes, and no one else notices", async (_what, bytes, status) => {
      const handler = vi.fn(echo);
      const { connect } = await start(handler, {
        maxBodyBytes: 16,
        maxTargetBytes: 100,
        maxHeadBytes: 1000,
        maxFields: 10,
      });
      const neighbour = connect();
      await neighbour.send(get("/before")).until("/before ;");
      const received = await connect()
        .send(bytes + get("/smuggled"))
        .end();
      expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\nConnection: close\\r\\n`));
      expect(lastContent(received)).toMatch(/^[A-Z].+\n$/);
      await neighbour.send(get("/after")).until("/after ;");
      expect(handler).toHaveBeenCalledTimes(2);
      expect(logger.warn).toHaveBeenCalledOnce();
    });

    test("a malformed request behind a valid one is rejected after the response to the valid one", async () => {
      const { connect } = await start(echo);
      const received = await connect()
        .send(`${get("/good")}bad\r\n\r\n`)
        .end();
      expect(received).toMatch(/^HTTP\/1\.1 200 [^]*GET \/good ;HTTP\/1\.1 400 /);
    });

    test.each([
      ["a bad chunk", post("/", "zz\r\n", "Transfer-Encoding: chunked"), 400],
      ["too many chunks", post("/", "11\r\n12345678901234567\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), 413],
    ])(
      "%s fails the body, and the response has the status of the failure if the handler lets it propagate",
      async (_what, bytes, status) => {
        const { connect } = await start(echo, { maxBodyBytes: 16 });
        const received = await connect().send(bytes).end();
        expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\nConnection: close\\r\\n`, "i"));
      },
    );

    test.each([
      // The timeout begins with the connection, so that it has to outlast the turns of the event loop up to the first read.
      ["half a head", "GET / HTTP", { headTimeoutMs: 1000 }, /^HTTP\/1\.1 408 /],
      ["half its content", post("/", "12", "Content-Length: 5"), { bodyTimeoutMs: 1 }, /^HTTP\/1\.1 408 /],
      ["nothing more", get("/"), { keepAliveTimeoutMs: 1 }, /^HTTP\/1\.1 200 [^]*GET \/ ;$/],
    ])("a client that sends %s and falls silent is let go", async (_what, bytes, options, expected) => {
      const { connect } = await start(echo, options);
      expect(await connect().send(bytes).end()).toMatch(expected);
    });

    test("connections beyond the limit are closed without a response", async () => {
      const { connect } = await start(echo, { maxConnections: 1 });
      const first = connect();
      await first.send(get("/1")).until("/1 ;");
      expect(await connect().send(get("/2")).end()).toBe("");
      await first.send(get("/3")).until("/3 ;");
    });

    test("the last exchange of maxRequestsPerConnection has Connection: close", async () => {
      const { connect } = await start(echo, { maxRequestsPerConnection: 2 });
      const client = connect();
      await client.send(get("/1")).until("/1 ;");
      expect(client.received).not.toMatch(/\r\nConnection: close\r\n/i);
      const received = await client.send(get("/2")).end();
      expect(received).toMatch(/GET \/1 ;HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*GET \/2 ;$/i);
    });
  });

  describe(`${name}: lifespan`, () => {
    test("startup returns the state, and shutdown runs last, after exchanges and waitUntil", async () => {
      const events: string[] = [];
      const work = Promise.withResolvers<void>();
      const { server, connect } = await start({
        startup: ({ specVersion }) => {
          events.push(`startup ${specVersion}`);
          return { name: "state" };
        },
        fetch: (_request, exchange) => {
          exchange.waitUntil(work.promise.then(() => events.push("work")));
          exchange.waitUntil(Promise.reject(new Error("work failed")));
          return { status: 200, body: exchange.state.name };
        },
        shutdown: ({ name }) => void events.push(`shutdown ${name}`),
      });
      expect(lastContent(await connect().send(get("/", CLOSE)).end())).toBe("state");
      const closed = server.close();
      expect(server.close()).toBe(closed);
      work.resolve();
      await closed;
      expect(events).toEqual(["startup 1.0", "work", "shutdown state"]);
      expect(logger.error).toHaveBeenCalledExactlyOnceWith("Work given to waitUntil failed", expect.any(Error));
    });

    test("close: exchanges in progress finish with Connection: close, draining aborts, new connections are refused", async () => {
      const gate = Promise.withResolvers<void>();
      const running = Promise.withResolvers<void>();
      const exchanges: Exchange[] = [];
      const { server, connect } = await start(async (_request, exchange) => {
        exchanges.push(exchange);
        if (exchange.target === "/events") return { status: 200, body: events(exchange.draining) };
        running.resolve();
        await gate.promise;
        return { status: 200, body: "finished" };
      });
      const stream = connect().send(get("/events"));
      await stream.until("data: first\n\n");
      const slow = connect().send(get("/slow"));
      await running.promise;
      const closed = server.close();
      expect(await stream.end()).toMatch(/data: last\n\n\r\n0\r\n\r\n$/);
      expect(await connect().send(get("/late")).end()).toBe("");
      gate.resolve();
      expect(await slow.end()).toMatch(/\r\nConnection: close\r\n[^]*finished$/i);
      await closed;
      expect(exchanges).toHaveLength(2);
      expect(exchanges[0]?.draining).toBe(exchanges[1]?.draining);
      expect(codeOf(exchanges[0]?.draining.reason)).toBe("SERVER_CLOSED");
      await Promise.all(exchanges.map(({ completed }) => completed));
    });

    test("close: a request in transit on an idle connection receives a response, then the connection closes", async () => {
      const { server, connect } = await start(echo);
      const [used, unused] = [connect(), connect()];
      await used.send(get("/1")).until("/1 ;");
      await unused.send(get("/1")).until("/1 ;");
      const closed = server.close();
      expect(await used.send(get("/2")).end()).toMatch(/\r\nConnection: close\r\n[^]*GET \/2 ;$/i);
      await unused.end();
      await closed;
    });

    test("close: an exchange that is running at the deadline is terminated", async () => {
      const called = Promise.withResolvers<IncomingRequest>();
      const shutdown = vi.fn();
      const { server, connect } = await start(
        {
          fetch: (request) => {
            request.signal.addEventListener("abort", () => undefined);
            called.resolve(request);
            return new Promise(() => undefined);
          },
          shutdown,
        },
        { shutdownTimeoutMs: 1 },
      );
      const client = connect().send(get("/"));
      const request = await called.promise;
      await server.close();
      expect(codeOf(request.signal.reason)).toBe("SERVER_CLOSED");
      expect(await client.end()).toBe("");
      expect(shutdown).toHaveBeenCalledOnce();
    });

    test("close rejects with the error of shutdown", async () => {
      const { server } = await start({ fetch: echo, shutdown: () => raise() });
      await expect(server.close()).rejects.toThrow("secret");
    });

    test("an application whose startup rejects is not served", async () => {
      const folder = await mkdtemp(join(tmpdir(), "tsgi-"));
      const path = join(folder, "socket");
      try {
        const application = { startup: () => raise(), fetch: echo, shutdown: vi.fn() };
        await expect(serve(application, { logger, path })).rejects.toThrow("secret");
        expect(existsSync(path)).toBe(false);
        expect(application.shutdown).not.toHaveBeenCalled();
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    test("a port in use rejects with node's error, and the application is shut down", async () => {
      const { server } = await start(echo);
      const { address } = server;
      const shutdown = vi.fn();
      const port = address.transport === "tcp" ? address.port : 0;
      await expect(serve({ fetch: echo, shutdown }, { logger, port })).rejects.toMatchObject({ code: "EADDRINUSE" });
      expect(shutdown).toHaveBeenCalledOnce();
      shutdown.mockImplementation(raise);
      await expect(serve({ fetch: echo, shutdown }, { logger, port })).rejects.toMatchObject({ code: "EADDRINUSE" });
      expect(logger.error).toHaveBeenCalledWith("The shutdown of the application failed", new Error("secret"));
    });

    test("the server listens on a Unix domain socket", async () => {
      const folder = await mkdtemp(join(tmpdir(), "tsgi-"));
      try {
        const { server, connect } = await start(echo, { path: join(folder, "socket") });
        expect(server.address).toEqual({ transport: "unix", path: join(folder, "socket") });
        expect(lastContent(await connect().send(get("/", CLOSE)).end())).toBe("GET / ;");
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });
}

/** Every limit of the servers with the same value. */
function limitsOf(value: number): NodeServeOptions {
  return Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, value]));
}

async function* endless(): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(64 * 1024, "x");
  for (;;) yield piece;
}

async function* events(draining: AbortSignal): AsyncGenerator<string> {
  yield "data: first\n\n";
  await new Promise((resolve) => {
    draining.addEventListener("abort", resolve);
  });
  yield "data: last\n\n";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function raise(): never {
  throw new Error("secret");
}
