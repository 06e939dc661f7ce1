import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { Hono } from "hono";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { readText } from "../../body.ts";
import type { Address, Exchange, Handler, OutgoingResponse } from "../../index.ts";
import { fromFetch, toFetch } from "./index.ts";

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const run = (handler: Handler) => toFetch(handler, { logger });
beforeEach(() => {
  logger.error.mockClear();
});

async function* pieces(...values: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* values;
}

describe("toFetch", () => {
  test("hands over the request and its exchange", async () => {
    const fetch = run(async (request, exchange) => ({
      status: 201,
      headers: [
        ["x-joined", request.headers.get("x-a") ?? ""],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
      body: `${request.method} ${request.url} ${exchange.target} ${exchange.encrypted} ${await readText(request)}`,
    }));
    const response = await fetch(
      new Request("https://a.test/p%2Fq?x=1#f", { method: "PUT", body: "content", headers: { "X-A": "1" } }),
    );
    expect(response.status).toBe(201);
    expect(await response.text()).toBe("PUT https://a.test/p%2Fq?x=1 /p%2Fq?x=1 true content");
    expect([...response.headers]).toEqual([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["x-joined", "1"],
    ]);
  });

  test("absent capabilities are absent members", async () => {
    let seen: unknown;
    await run((_request, exchange) => {
      const { localAddress, tls } = exchange;
      seen = ["sendInformational" in exchange, "upgradeWebSocket" in exchange, localAddress, tls];
      return { status: 200 };
    })(new Request("http://a.test/"));
    expect(seen).toEqual([false, false, null, null]);
  });

  const remote: Address = { transport: "tcp", hostname: "192.0.2.1", port: 5 };
  test.each<[string, unknown, Address | null]>([
    ["Deno's info", { remoteAddr: remote }, remote],
    ["Bun's server", { requestIP: () => ({ address: "192.0.2.1", port: 5, family: "IPv4" }) }, remote],
    ["a worker's environment", { SECRET: "s" }, null],
    ["nothing", undefined, null],
  ])("the client's address, of %s", async (_name, info, address) => {
    let seen: Exchange | undefined;
    await run((_request, exchange) => {
      seen = exchange;
      return { status: 200 };
    })(new Request("http://a.test/"), info);
    expect([seen?.remoteAddress, seen?.peerAddress]).toEqual([address, address]);
  });

  test.each<[string, OutgoingResponse, string]>([
    ["text, without a type of its own", { status: 200, body: "dé" }, "dé"],
    ["bytes", { status: 200, body: new Uint8Array([97]) }, "a"],
    ["nothing", { status: 404 }, ""],
    ["pieces", { status: 200, body: pieces("a", "", new Uint8Array([98])) }, "ab"],
    ["a stream", { status: 200, body: new Blob(["ab"]).stream() }, "ab"],
    ["connection fields", { status: 200, headers: { connection: "close", trailer: "x" }, body: "a" }, "a"],
    ["trailers, dropped", { status: 200, body: "a", trailers: () => ({ x: "y" }) }, "a"],
  ])("builds a Response of %s", async (_name, given, body) => {
    const response = await run(() => given)(new Request("http://a.test/"));
    expect([response.status, await response.text(), [...response.headers]]).toEqual([given.status, body, []]);
  });

  test("a Response goes through as it is", async () => {
    const given = new Response("web");
    expect(await run(() => given)(new Request("http://a.test/"))).toBe(given);
  });

  test.each<[string, string, number]>([
    ["HEAD", "HEAD", 200],
    ["204", "GET", 204],
    ["304", "GET", 304],
  ])("%s cancels the body and completes", async (_name, method, status) => {
    const cancel = vi.fn();
    let seen: Exchange | undefined;
    const response = await run((_request, exchange) => {
      seen = exchange;
      return { status, headers: { "content-length": "0" }, body: new ReadableStream({ cancel }) };
    })(new Request("http://a.test/", { method }));
    expect([response.status, response.body, cancel.mock.calls.length]).toEqual([status, null, 1]);
    expect(response.headers.has("content-length")).toBe(status !== 204);
    await seen?.completed;
  });

  test.each<[string, () => unknown]>([
    ["throws", () => Promise.reject(new Error("secret"))],
    ["returns nothing", () => undefined],
    ["returns 101", () => ({ status: 101 })],
    ["splits a header", () => ({ status: 200, headers: { x: "a\r\nb: c" } })],
    ["returns a synchronous iterable", () => ({ status: 200, body: ["a"] })],
    ["announces another length", () => ({ status: 200, headers: { "content-length": "2" }, body: "a" })],
  ])("a handler that %s gets a 500 without details", async (_name, handler) => {
    let completed: Promise<unknown> | undefined;
    const response = await run((request, exchange) => {
      completed = exchange.completed.then(() => request.signal.reason as unknown);
      return handler() as OutgoingResponse;
    })(new Request("http://a.test/"));
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
    expect(logger.error).toHaveBeenCalledTimes(1);
    expect(await completed).toMatchObject({ code: "RESPONSE_FAILED" });
  });

  test("an error of a body reader sets the status of the response", async () => {
    const fetch = run(async (request) => ({ status: 200, body: await readText(request, { limitBytes: 1 }) }));
    expect((await fetch(new Request("http://a.test/", { method: "POST", body: "ab" }))).status).toBe(413);
    expect(logger.error).not.toHaveBeenCalled();
  });

  test.each<[string, OutgoingResponse]>([
    ["too few", { status: 200, headers: { "content-length": "3" }, body: pieces("ab") }],
    ["too many", { status: 200, headers: { "content-length": "1" }, body: pieces("ab") }],
    ["no", { status: 200, body: pieces(1 as unknown as string) }],
  ])("a body with %s bytes errors the stream", async (_name, given) => {
    const response = await run(() => given)(new Request("http://a.test/"));
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(logger.error).toHaveBeenCalledTimes(1);
  });

  test("a host that cancels the stream: signal, source, completed; in that order", async () => {
    const events: string[] = [];
    const over = Promise.withResolvers<void>();
    const response = await run((request, exchange) => {
      request.signal.addEventListener("abort", () => {
        events.push(`abort ${(request.signal.reason as { code: string }).code}`);
      });
      exchange.completed.catch((error: unknown) => {
        events.push(`completed ${(error as { code: string }).code}`);
        over.resolve();
      });
      return { status: 200, body: new ReadableStream({ cancel: () => void events.push("cancel") }) };
    })(new Request("http://a.test/"));
    await response.body?.cancel();
    await over.promise;
    expect(events).toEqual(["abort CLIENT_DISCONNECTED", "cancel", "completed CLIENT_DISCONNECTED"]);
  });

  test("the host's signal becomes ours, but not after success", async () => {
    const host = new AbortController();
    const signals: AbortSignal[] = [];
    const fetch = run((request) => {
      signals.push(request.signal);
      return { status: 200, body: signals.length === 1 ? "whole" : pieces("endless") };
    });
    const request = () => new Request("http://a.test/", { signal: host.signal });
    await fetch(request());
    await fetch(request());
    host.abort(new Error("the host's own reason"));
    expect(signals.map((signal) => signal.aborted)).toEqual([false, true]);
    expect(signals[1]?.reason).toMatchObject({ code: "CLIENT_DISCONNECTED" });
  });

  test("an upload that breaks off rejects with a code", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: () => {
        throw new Error("reset");
      },
    });
    let seen: unknown;
    await run(async (request) => {
      await readText(request).catch((error: unknown) => (seen = error));
      return { status: 200 };
    })(new Request("http://a.test/", { method: "POST", body: broken, duplex: "half" }));
    expect(seen).toMatchObject({ code: "CLIENT_DISCONNECTED" });
  });

  test("starts with the first request, hands waitUntil to the host, and ends with close()", async () => {
    const events: string[] = [];
    const known: unknown[] = [];
    const fetch = toFetch<{ readonly name: string }>({
      startup: async ({ specVersion }) => {
        events.push(`startup ${specVersion}`);
        return { name: "state" };
      },
      fetch: (_request, { state, draining }) => {
        events.push(`fetch ${state.name} ${draining.aborted}`);
        return { status: 200 };
      },
      shutdown: ({ name }) => void events.push(`shutdown ${name}`),
    });
    const context = { waitUntil: (work: Promise<unknown>) => void known.push(work) };
    await Promise.all([fetch(new Request("http://a.test/")), fetch(new Request("http://a.test/"), {}, context)]);
    await fetch.close();
    await fetch.close();
    expect(events).toEqual(["startup 1.0", "fetch state false", "fetch state false", "shutdown state"]);

    const working = run((_request, exchange) => {
      exchange.waitUntil(Promise.reject(new Error("work")));
      return { status: 200 };
    });
    await working(new Request("http://a.test/"), {}, context);
    await working.close();
    expect([known.length, logger.error.mock.calls.length]).toEqual([1, 1]);
  });

  test("drain() aborts draining, and each response closes its connection from then on", async () => {
    const fetch = run((request, { draining }) =>
      request.url.endsWith("/web") ? new Response("web") : { status: 200, body: String(draining.aborted) },
    );
    const connectionOf = async (path: string) =>
      (await fetch(new Request(`http://a.test${path}`))).headers.get("connection");
    expect([await connectionOf("/"), await connectionOf("/web")]).toEqual([null, null]);
    fetch.drain();
    expect([await connectionOf("/"), await connectionOf("/web")]).toEqual(["close", "close"]);
    expect(await (await fetch(new Request("http://a.test/"))).text()).toBe("true");
  });

  test("a startup that fails is a 500 and a logged reason", async () => {
    const fetch = toFetch(
      { startup: () => Promise.reject(new Error("no database")), fetch: () => ({ status: 200 }) },
      { logger },
    );
    expect((await fetch(new Request("http://a.test/"))).status).toBe(500);
    await expect(fetch.start()).rejects.toThrow("no database");
    await fetch.close();
  });

  test("runs mounted in Hono, and undoes fromFetch", async () => {
    const outer = new Hono();
    outer.mount(
      "/ours",
      run((request) => ({ status: 200, body: new URL(request.url).pathname })),
    );
    expect(await (await outer.request("/ours/x")).text()).toBe("/x");
    const inner = new Hono().post("/", async (c) => c.text(await c.req.text()));
    const both = toFetch(fromFetch(inner));
    expect(await (await both(new Request("http://a.test/", { method: "POST", body: "in" }))).text()).toBe("in");
  });
});

test("the body is pulled in the async context of its handler", async () => {
  const storage = new AsyncLocalStorage<string>();
  const fetch = toFetch(() => {
    storage.enterWith("request 1");
    return {
      status: 200,
      body: (async function* () {
        yield String(storage.getStore());
      })(),
    };
  });
  const response = await fetch(new Request("http://a.test/"));
  expect(await storage.run("host", () => response.text())).toBe("request 1");
});

test("a node stream is closed where its response to HEAD has no content", async () => {
  const stream = createReadStream(import.meta.filename);
  const closed = once(stream, "close");
  await toFetch(() => ({ status: 200, body: stream }))(new Request("http://a.test/", { method: "HEAD" }));
  await closed;
});

test("a host that has aborted the request before the handler returns gets a response, and the body is released", async () => {
  const host = new AbortController();
  const cancel = vi.fn();
  const response = await toFetch((request) => {
    void request.signal;
    host.abort();
    return { status: 200, body: new ReadableStream({ cancel }) };
  })(new Request("http://a.test/", { signal: host.signal }));
  expect([response.status, cancel.mock.calls.length]).toEqual([500, 1]);
});

test("waitUntil may be called without its exchange", async () => {
  const events: string[] = [];
  const fetch = toFetch((_request, exchange) => {
    const waitUntil = Reflect.get<Exchange, "waitUntil">(exchange, "waitUntil");
    waitUntil(new Promise(setImmediate).then(() => events.push("work")));
    return { status: 200 };
  });
  await fetch(new Request("http://a.test/"));
  await fetch.close();
  expect(events).toEqual(["work"]);
});
