import { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { exchangeError } from "../server-kit/refusals.ts";
import { toHeaderView } from "../server-kit/fields.ts";
import type { Application, Exchange, Handler, HeaderView, IncomingRequest, OutgoingResponse } from "../index.ts";
import { type Violation, type CheckName, checks, lint, LintError } from "./index.ts";
import { createTestClient } from "../testing.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const ok: Handler = () => ({ status: 200, body: "ok" });
const opaque = (value: unknown) => value as never;
const disconnected = () => exchangeError("CLIENT_DISCONNECTED", "The client disconnected");
const serverInfo = { software: "fake/1.0", specVersion: "1.0" };

async function* pieces<T>(...chunks: readonly T[]): AsyncGenerator<T, void> {
  yield* chunks;
}

interface Faults {
  readonly request?: Readonly<Record<string, unknown>>;
  readonly exchange?: Readonly<Record<string, unknown>>;
}

/** A server without a socket that follows every rule, in steps. A test violates one of them. */
class FakeServer {
  readonly violations: Violation[] = [];
  readonly draining = new AbortController();
  #application: Application = { fetch: ok };
  #state: unknown;

  async start(application: Application | Handler): Promise<void> {
    this.#application = lint(application, { report: (violation) => void this.violations.push(violation) });
    this.#state = await this.#application.startup?.(serverInfo);
  }

  get linted(): Application {
    return this.#application;
  }

  async open(faults: Faults = {}) {
    const failure = new AbortController();
    const completed = Promise.withResolvers<undefined>();
    completed.promise.catch(() => undefined);
    const request: IncomingRequest = {
      method: "GET",
      url: "http://localhost/a%2Fb?x=1",
      headers: toHeaderView({ host: "localhost" }),
      body: null,
      signal: failure.signal,
    };
    Object.defineProperties(request, Object.getOwnPropertyDescriptors(faults.request ?? {}));
    const exchange: Exchange = {
      target: "/a%2Fb?x=1",
      protocol: "1.1",
      encrypted: false,
      remoteAddress: { transport: "tcp", hostname: "127.0.0.1", port: 50_000 },
      peerAddress: { transport: "tcp", hostname: "127.0.0.1", port: 50_000 },
      localAddress: { transport: "unix", path: "/run/tsgi.sock" },
      tls: null,
      state: this.#state,
      draining: this.draining.signal,
      completed: completed.promise,
      waitUntil: () => undefined,
      sendInformational: () => undefined,
      ...faults.exchange,
    };
    return {
      failure,
      completed,
      responding: (async () => this.#application.fetch(request, exchange))(),
      fail: async (error: unknown) => {
        failure.abort(error);
        completed.reject(error);
        await settled();
      },
      complete: async () => {
        completed.resolve(undefined);
        await settled();
      },
    };
  }

  async stop(): Promise<void> {
    this.draining.abort(exchangeError("SERVER_CLOSED", "The server is shutting down"));
    await this.#application.shutdown?.(this.#state);
  }

  /** Startup, one exchange, and shutdown. */
  async serve(application: Application | Handler, faults: Faults = {}): Promise<void> {
    await this.start(application);
    const { responding, complete, fail } = await this.open(faults);
    try {
      const response = await responding;
      if (typeof response === "object") {
        for await (const chunk of readable(response)) void chunk;
        await response.trailers?.();
      }
      await complete();
    } catch (error) {
      await fail(exchangeError("RESPONSE_FAILED", "The handler failed", error));
    }
    await this.stop();
  }
}

/** The body in pieces, as a server reads it. */
async function* readable({ body }: OutgoingResponse): AsyncGenerator<unknown, void> {
  if (body === undefined || body === null || typeof body !== "object" || body instanceof Uint8Array) return;
  if (Symbol.asyncIterator in body) yield* body;
  else if ("getReader" in body) {
    const reader = body.getReader();
    for (let result = await reader.read(); !result.done; result = await reader.read()) yield result.value;
  }
}

function iterator({ body }: OutgoingResponse): AsyncIterator<unknown> {
  return (body as AsyncIterable<unknown>)[Symbol.asyncIterator]();
}

/** Runs the reactions of settled promises. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

const headers = (fields: Readonly<Record<string, string>>): Faults => ({ request: { headers: toHeaderView(fields) } });

function upload(fields: Readonly<Record<string, string>>, body: unknown): Faults {
  return { request: { method: "POST", headers: toHeaderView(fields), body } };
}

const readAll: Handler = async (request) => {
  for await (const chunk of request.body ?? []) void chunk;
  return { status: 204 };
};

const HANDSHAKE = { upgrade: "websocket", "sec-websocket-key": "x", "sec-websocket-protocol": "chat, news" };

function handshake(socket: unknown = { readyState: 0, binaryType: "arraybuffer", send: () => undefined }): Faults {
  return { ...headers(HANDSHAKE), exchange: { upgradeWebSocket: () => ({ socket, response: { status: 101 } }) } };
}

const accept: Handler = (_request, exchange) => {
  const { response } = exchange.upgradeWebSocket?.({ protocol: "chat" }) ?? { response: { status: 400 } };
  return { status: response.status, headers: { "x-rebuilt": "yes" } };
};

/** One bad server or one bad application for each check; the other side is good. */
const offenders: Readonly<Record<CheckName, (server: FakeServer) => Promise<void>>> = {
  "request-method": (server) => server.serve(ok, { request: { method: "GET " } }),
  "request-url": (server) => server.serve(ok, { request: { url: "/a%2Fb?x=1" } }),
  "request-url-scheme": (server) => server.serve(ok, { exchange: { encrypted: true } }),
  "request-header-name": (server) => {
    const view: HeaderView = {
      get: () => null,
      has: () => false,
      [Symbol.iterator]: () => [["Host", "localhost"] satisfies [string, string]].values(),
    };
    return server.serve(ok, { request: { headers: view } });
  },
  "request-header-value": (server) => server.serve(ok, headers({ "x-split": "a\r\nb: c" })),
  "request-header-joined": (server) => {
    const lines: [string, string][] = [
      ["cookie", "a=1"],
      ["cookie", "b=2"],
    ];
    const view: HeaderView = {
      get: (name) => (name === "cookie" ? "a=1" : null),
      has: (name) => name === "cookie",
      [Symbol.iterator]: () => lines.values(),
    };
    return server.serve(ok, { request: { headers: view } });
  },
  "header-lookup-case": (server) =>
    server.serve((request) => ({ status: 200, body: request.headers.get("Host") ?? "" })),
  "request-body-presence": (server) => server.serve(readAll, upload({ "content-length": "2" }, null)),
  "request-body-chunk": (server) => server.serve(readAll, upload({ "transfer-encoding": "chunked" }, pieces("ab"))),
  "request-body-chunk-reused": (server) => {
    const memory = bytes("ab");
    const body = (async function* () {
      yield memory;
      memory.set(bytes("cd"));
      yield memory;
    })();
    return server.serve(readAll, upload({ "content-length": "4" }, body));
  },
  "request-body-read-twice": (server) =>
    server.serve(
      async (request, exchange) => {
        await readAll(request, exchange);
        return readAll(request, exchange);
      },
      upload({ "transfer-encoding": "chunked" }, pieces(bytes("ab"))),
    ),
  "request-body-length": (server) => server.serve(readAll, upload({ "content-length": "3" }, pieces(bytes("ab")))),
  "request-body-error": (server) =>
    server.serve(
      readAll,
      upload(
        { "content-length": "3" },
        // oxlint-disable-next-line require-yield -- it fails before its first chunk
        (async function* () {
          throw new Error("socket hang up");
        })(),
      ),
    ),
  "signal-kind": (server) => server.serve(ok, { request: { signal: undefined } }),
  "signal-reason": async (server) => {
    await server.start(ok);
    const { responding, failure, completed } = await server.open();
    await responding;
    failure.abort();
    completed.reject(disconnected());
    await settled();
    await server.stop();
  },
  "signal-after-success": async (server) => {
    await server.start(ok);
    const { responding, failure, complete } = await server.open();
    await responding;
    await complete();
    failure.abort(disconnected());
    await server.stop();
  },
  "request-trailers": (server) =>
    server.serve(
      async (request) => {
        await request.trailers;
        return { status: 200 };
      },
      { request: { trailers: Promise.resolve({ "x-checksum": "1" }) } },
    ),
  "response-shape": (server) => server.serve(opaque(() => "ok")),
  "response-status": (server) => server.serve(() => ({ status: 700 })),
  "response-header-name": (server) => server.serve(() => ({ status: 200, headers: { "x y": "1" } })),
  "response-header-value": (server) =>
    server.serve(() => ({ status: 200, headers: { location: "/\r\nset-cookie: a=1" } })),
  "response-connection-field": (server) =>
    server.serve(() => ({ status: 200, headers: [["Transfer-Encoding", "chunked"]] })),
  "response-content-length": (server) =>
    server.serve(() => ({ status: 200, headers: { "content-length": "3" }, body: "添加" })),
  "response-body-kind": (server) => server.serve(() => ({ status: 200, body: opaque(["a", "b"]) })),
  "response-body-chunk": (server) => server.serve(() => ({ status: 200, body: opaque(pieces(1)) })),
  "response-body-chunk-reused": (server) => {
    const memory = bytes("ab");
    const body = (async function* () {
      yield memory;
      memory.set(bytes("cd"));
      yield memory;
    })();
    return server.serve(() => ({ status: 200, body }));
  },
  "response-body-reused": async (server) => {
    const body = pieces("a");
    await server.start(() => ({ status: 200, body }));
    for (let turn = 0; turn < 2; turn++) {
      const { responding, complete } = await server.open();
      for await (const chunk of readable(await responding)) void chunk;
      await complete();
    }
    await server.stop();
  },
  "response-body-not-allowed": (server) => server.serve(() => ({ status: 204, body: "nothing" })),
  "body-pulled-without-content": async (server) => {
    await server.start(() => ({ status: 200, body: pieces("a") }));
    const { responding, complete } = await server.open({ request: { method: "HEAD" } });
    const body = iterator(await responding);
    await body.next();
    await body.return?.();
    await complete();
    await server.stop();
  },
  "body-pulled-concurrently": async (server) => {
    await server.start(() => ({ status: 200, body: pieces("a") }));
    const { responding, complete } = await server.open();
    const body = iterator(await responding);
    await Promise.all([body.next(), body.next()]);
    await complete();
    await server.stop();
  },
  "response-trailer-announced": (server) =>
    server.serve(() => ({ status: 200, headers: { trailer: "x-a" }, trailers: () => ({ "X-A": "1", "x-b": "2" }) })),
  "response-trailer-field": (server) =>
    server.serve(() => ({
      status: 200,
      headers: { trailer: "content-length" },
      trailers: () => ({ "content-length": "1" }),
    })),
  "trailers-call": async (server) => {
    await server.start(() => ({ status: 200, body: pieces("a"), trailers: () => ({}) }));
    const { responding, complete } = await server.open();
    const response = await responding;
    await response.trailers?.();
    for await (const chunk of readable(response)) void chunk;
    await complete();
    await server.stop();
  },
  "exchange-member": (server) => server.serve(ok, { exchange: { remoteAddress: "127.0.0.1" } }),
  "exchange-target": (server) => server.serve(ok, { exchange: { target: "a%2Fb" } }),
  "member-copied": (server) => server.serve((request, exchange) => ok(request, { ...exchange })),
  "method-detached": (server) =>
    server.serve(
      (_request, exchange) => {
        // oxlint-disable-next-line typescript/unbound-method -- the fault under test
        const { sendInformational } = exchange;
        sendInformational?.(103);
        return { status: 200 };
      },
      { exchange: { sendInformational: () => undefined } },
    ),
  "completed-early": async (server) => {
    await server.start(() => ({ status: 200, body: pieces("a", "b") }));
    const { responding, complete } = await server.open();
    const body = iterator(await responding);
    await body.next();
    await complete();
    await body.next();
    await body.next();
    await server.stop();
  },
  "completed-reason": async (server) => {
    await server.start(ok);
    const { responding, failure, completed } = await server.open();
    await responding;
    failure.abort(disconnected());
    completed.reject(new Error("socket hang up"));
    await settled();
    await server.stop();
  },
  "completed-and-signal": async (server) => {
    await server.start(ok);
    const { responding, completed } = await server.open();
    await responding;
    completed.reject(disconnected());
    await settled();
    await server.stop();
  },
  "wait-until-promise": (server) =>
    server.serve((_request, exchange) => {
      exchange.waitUntil(opaque(() => Promise.resolve()));
      return { status: 200 };
    }),
  "capability-kind": (server) => server.serve(ok, { exchange: { sendInformational: true } }),
  "informational-status": (server) =>
    server.serve((_request, exchange) => {
      exchange.sendInformational?.(200);
      return { status: 200 };
    }),
  "informational-late": async (server) => {
    await server.serve((_request, exchange) => ({
      status: 200,
      body: (async function* () {
        exchange.sendInformational?.(103, { link: "</style.css>" });
        yield "late";
      })(),
    }));
  },
  "informational-http10": (server) => server.serve(ok, { exchange: { protocol: "1.0" } }),
  "startup-once": async (server) => {
    await server.start(ok);
    await server.linted.startup?.(serverInfo);
    await server.stop();
  },
  "fetch-before-startup": async (server) => {
    await server.start({
      fetch: ok,
      startup: async () => {
        const { responding, complete } = await server.open();
        await responding;
        await complete();
      },
    });
    await server.stop();
  },
  "state-identity": (server) =>
    server.serve({ fetch: ok, startup: () => ({ a: 1 }) }, { exchange: { state: { a: 1 } } }),
  "shutdown-once": async (server) => {
    await server.start(ok);
    await server.stop();
    await server.stop();
  },
  "shutdown-early": async (server) => {
    await server.start(() => ({ status: 200, body: pieces("a") }));
    const { responding } = await server.open();
    await responding;
    await server.stop();
  },
  "fetch-after-shutdown": async (server) => {
    await server.serve(ok);
    const { responding, complete } = await server.open();
    await responding;
    await complete();
  },
  "body-released-before-signal": async (server) => {
    await server.start(() => ({ status: 200, body: pieces("a", "b") }));
    const { responding, fail } = await server.open();
    const body = iterator(await responding);
    await body.next();
    await body.return?.();
    await fail(disconnected());
    await server.stop();
  },
  "body-released-twice": async (server) => {
    await server.start(() => ({ status: 200, body: new ReadableStream<Uint8Array>() }));
    const { responding, fail } = await server.open();
    const { body } = await responding;
    await fail(disconnected());
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.cancel();
    await reader.cancel();
    await server.stop();
  },
  "body-not-released": async (server) => {
    await server.start(() => ({ status: 200, body: pieces("a", "b") }));
    const { responding, fail } = await server.open();
    await iterator(await responding).next();
    await fail(disconnected());
    await server.stop();
  },
  "upgrade-without-handshake": (server) => server.serve(ok, { exchange: handshake().exchange ?? {} }),
  "upgrade-twice": (server) =>
    server.serve((request, exchange) => {
      exchange.upgradeWebSocket?.();
      return accept(request, exchange);
    }, handshake()),
  "upgrade-response-lost": (server) =>
    server.serve((_request, exchange) => {
      exchange.upgradeWebSocket?.();
      return { status: 200 };
    }, handshake()),
  "upgrade-protocol": (server) =>
    server.serve(
      (_request, exchange) => exchange.upgradeWebSocket?.({ protocol: "mail" }).response ?? { status: 400 },
      handshake(),
    ),
  "upgrade-result": (server) =>
    server.serve(accept, handshake({ readyState: 0, binaryType: "blob", send: () => undefined })),
  "draining-kind": (server) => server.serve(ok, { exchange: { draining: undefined } }),
  "draining-shared": async (server) => {
    await server.start(ok);
    for (const draining of [server.draining.signal, new AbortController().signal]) {
      const { responding, complete } = await server.open({ exchange: { draining } });
      await responding;
      await complete();
    }
    await server.stop();
  },
  "draining-reason": async (server) => {
    await server.start(ok);
    const { responding, complete } = await server.open();
    await responding;
    await complete();
    server.draining.abort();
    await server.stop();
  },
  "server-info": async (server) => {
    await server.start(ok);
    await server.stop();
    await server.linted.startup?.(opaque({ software: "fake", specVersion: 1 }));
  },
};

describe("lint reports", () => {
  test.each(Object.entries(offenders))("%s alone", async (check, offend) => {
    const server = new FakeServer();
    await offend(server);
    expect(new Set(server.violations.map((violation) => violation.check))).toEqual(new Set([check]));
    const [violation] = server.violations;
    expect(violation).toMatchObject({ ...checks[check as CheckName] });
    expect(violation?.seen).not.toBe("");
  });

  test.each<[string, CheckName, (server: FakeServer) => Promise<void>]>([
    ["a decoded URL", "request-url", (server) => server.serve(ok, { request: { url: "http://localhost/a/b?x=1" } })],
    [
      "a URL encoded twice",
      "request-url",
      (server) => server.serve(ok, { request: { url: "http://localhost/a%252Fb?x=1" } }),
    ],
    [
      "a URL with a fragment",
      "request-url",
      (server) => server.serve(ok, { request: { url: "http://localhost/a%2Fb#top" } }),
    ],
    [
      "a signal made again at each touch",
      "signal-kind",
      (server) =>
        server.serve(ok, {
          request: {
            get signal() {
              return new AbortController().signal;
            },
          },
        }),
    ],
    ["no waitUntil", "exchange-member", (server) => server.serve(ok, { exchange: { waitUntil: undefined } })],
    ["no completed", "exchange-member", (server) => server.serve(ok, { exchange: { completed: undefined } })],
    ["101 without an upgrade", "response-status", (server) => server.serve(() => ({ status: 101 }))],
    ["half a status", "response-status", (server) => server.serve(() => ({ status: 200.5 }))],
    [
      "a stream shorter than its Content-Length",
      "response-content-length",
      (server) => server.serve(() => ({ status: 200, headers: { "content-length": "3" }, body: pieces("ab") })),
    ],
    [
      "a stream longer than its Content-Length",
      "response-content-length",
      (server) => server.serve(() => ({ status: 200, headers: { "content-length": "1" }, body: pieces("ab") })),
    ],
    [
      "a body announced and not given",
      "response-content-length",
      (server) => server.serve(() => ({ status: 200, headers: { "content-length": "1" } })),
    ],
    [
      "a Content-Length that is no number",
      "response-content-length",
      (server) => server.serve(() => ({ status: 200, headers: { "content-length": "+2" }, body: "ab" })),
    ],
    [
      "a header value that is no string",
      "response-header-value",
      (server) => server.serve(() => ({ status: 200, headers: { "x-count": opaque(1) } })),
    ],
    ["a null response", "response-shape", (server) => server.serve(opaque(() => null))],
    [
      "an object as a body",
      "response-body-kind",
      (server) => server.serve(() => ({ status: 200, body: opaque({ a: 1 }) })),
    ],
    [
      "a Response that was read",
      "response-body-reused",
      async (server) => {
        const response = new Response("a");
        await response.text();
        await server.serve(() => ({ status: 200, body: response.body }));
      },
    ],
    [
      "a failed body that was called complete",
      "completed-early",
      async (server) => {
        await server.start(() => ({
          status: 200,
          // oxlint-disable-next-line require-yield -- it fails before its first chunk
          body: (async function* () {
            throw new Error("late");
          })(),
        }));
        const { responding, complete } = await server.open();
        await iterator(await responding)
          .next()
          .catch(() => undefined);
        await complete();
        await server.stop();
      },
    ],
    [
      "trailers called twice",
      "trailers-call",
      async (server) => {
        await server.start(() => ({ status: 200, trailers: () => ({}) }));
        const { responding, complete } = await server.open();
        const response = await responding;
        await response.trailers?.();
        await response.trailers?.();
        await complete();
        await server.stop();
      },
    ],
    [
      "a body of nothing that no field announced",
      "request-body-presence",
      (server) => server.serve(readAll, upload({}, pieces())),
    ],
    [
      "trailers before the body's end",
      "request-trailers",
      (server) =>
        server.serve(
          async (request, exchange) => {
            await request.trailers;
            return readAll(request, exchange);
          },
          {
            request: {
              ...upload({ "transfer-encoding": "chunked" }, pieces(bytes("a"))).request,
              trailers: Promise.resolve(toHeaderView({})),
            },
          },
        ),
    ],
    [
      "an exchange delegated to by its prototype",
      "method-detached",
      (server) =>
        server.serve((request, exchange) => {
          const derived = Object.create(exchange) as Exchange;
          return { status: 200, body: `${request.method} ${derived.target}` };
        }),
    ],
  ])("%s as %s", async (_name, check, offend) => {
    const server = new FakeServer();
    await offend(server);
    expect(new Set(server.violations.map((violation) => violation.check))).toEqual(new Set([check]));
  });
});

describe("lint reports no violation for", () => {
  const web = () => new Response("streamed", { headers: { "content-type": "text/plain" } });
  const constant: OutgoingResponse = Object.freeze({ status: 200, headers: { "content-length": "2" }, body: "ok" });

  test.each<[string, Application | Handler, Faults?]>([
    ["a bare handler", ok],
    ["an application with startup and shutdown", { startup: () => ({ a: 1 }), fetch: ok, shutdown: () => undefined }],
    ["a constant response", () => constant],
    ["a web Response", web],
    [
      "a streamed body with trailers",
      () => ({
        status: 200,
        headers: { Trailer: "X-Checksum" },
        body: pieces<string | Uint8Array>("a", bytes("b")),
        trailers: () => ({ "x-checksum": "1" }),
      }),
    ],
    ["one-shot header pairs", () => ({ status: 200, headers: [["x-a", "1"] as const].values() })],
    ["an upload that is read", readAll, upload({ "content-length": "4" }, pieces(bytes("ab"), bytes("cd")))],
    ["an upload that is not read", ok, upload({ "transfer-encoding": "chunked" }, pieces(bytes("ab")))],
    ["the body of a web Request, which lacks the framing fields", readAll, upload({}, new Response("ab").body)],
    ["a WebSocket on a rebuilt response", accept, handshake()],
    [
      "an early hint and a waitUntil promise",
      (_request, exchange) => {
        exchange.sendInformational?.(103, { link: "</style.css>; rel=preload" });
        exchange.waitUntil(Promise.resolve());
        return { status: 200 };
      },
    ],
    [
      "waitUntil called detached from its exchange",
      (_request, exchange) => {
        // oxlint-disable-next-line typescript/unbound-method -- TSGI-31 permits it
        const { waitUntil } = exchange;
        waitUntil(Promise.resolve());
        return { status: 200 };
      },
    ],
    ["OPTIONS *", ok, { request: { method: "OPTIONS", url: "http://localhost/" }, exchange: { target: "*" } }],
    [
      "a Content-Length without content for HEAD",
      () => ({ status: 200, headers: { "content-length": "9" }, body: "" }),
      { request: { method: "HEAD" } },
    ],
    ["a 304 with a Content-Length", () => ({ status: 304, headers: { "content-length": "9" } })],
    ["a 204 with an empty string", () => ({ status: 204, body: "" })],
    [
      "a handler that throws",
      () => {
        throw new Error("broken");
      },
    ],
  ])("%s", async (_name, application, faults) => {
    const server = new FakeServer();
    await server.serve(application, faults);
    expect(server.violations).toEqual([]);
  });

  test("a client that disconnects: the signal aborts, then the body is released", async () => {
    const server = new FakeServer();
    await server.start(() => ({ status: 200, body: pieces("a", "b") }));
    const { responding, fail } = await server.open();
    const body = iterator(await responding);
    await body.next();
    await fail(disconnected());
    await body.return?.();
    await server.stop();
    expect(server.violations).toEqual([]);
  });

  test("a Node stream that is released before its first chunk, which destroys it", async () => {
    const stream = Readable.from(["a"]);
    const server = new FakeServer();
    await server.start(() => ({ status: 200, body: stream }));
    const { responding, fail } = await server.open();
    const body = iterator(await responding);
    await fail(disconnected());
    await body.return?.();
    await server.stop();
    expect([server.violations, stream.destroyed]).toEqual([[], true]);
  });

  test("the test client, with every kind of exchange, in two lifespans", async () => {
    const violations: Violation[] = [];
    const application: Application<{ readonly name: string }> = {
      startup: () => ({ name: "state" }),
      fetch: async (request, exchange) => {
        if (request.method === "POST") await readAll(request, exchange);
        return { status: 200, body: pieces(exchange.state.name) };
      },
    };
    const linted = lint(application, { report: (violation) => void violations.push(violation) });
    for (let run = 0; run < 2; run++) {
      await using client = await createTestClient(linted);
      expect((await client.request("/")).text()).toBe("state");
      await client.request("/", { method: "HEAD" });
      await client.request("/a%2Fb", { method: "POST", body: "text" });
      await client.request("/", { method: "POST", body: pieces(bytes("ab")) });
    }
    expect(violations).toEqual([]);
  });
});

describe("without a report function", () => {
  test("the call that violates a rule throws a LintError", async () => {
    await using client = await createTestClient(lint(() => ({ status: 700 })));
    const error: unknown = await client.request("/").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LintError);
    expect(error).toMatchObject({ code: "LINT_VIOLATION", violation: { check: "response-status", seen: "700" } });
    expect((error as LintError).message).toBe(
      "TSGI-16 (response-status) violated by the application: saw 700, expected an integer from 200 to 599, or 101 after upgradeWebSocket",
    );
  });

  test("a body that violates a rule fails, and its source is released", async () => {
    const cancel = vi.fn<() => void>();
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(opaque(1));
      },
      cancel,
    });
    await using client = await createTestClient(lint(() => ({ status: 200, body })));
    await expect(client.request("/")).rejects.toMatchObject({ violation: { check: "response-body-chunk" } });
    expect(cancel).toHaveBeenCalledOnce();
  });

  test("a violation outside of a call is logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const failure = new AbortController();
    const application = lint((request) => {
      expect(request.signal).toBe(failure.signal);
      return { status: 200 };
    });
    const server = new FakeServer();
    await server.start(application);
    const { responding, complete } = await server.open({ request: { signal: failure.signal } });
    await responding;
    await complete();
    failure.abort(disconnected());
    expect(log).toHaveBeenCalledWith(expect.stringContaining("TSGI-13 (signal-after-success)"));
    log.mockRestore();
  });
});
