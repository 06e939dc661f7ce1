import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { inspect } from "node:util";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { streamSSE } from "hono/streaming";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Exchange } from "../../index.ts";
import { toHeaderView } from "../../server-kit/fields.ts";
import { createTestClient } from "../../testing.ts";
import { type FetchHandler, fromFetch, type FromFetchOptions } from "./index.ts";
import { toNode } from "../node/index.ts";

const servers: (() => void)[] = [];
afterEach(() => {
  for (const close of servers.splice(0)) close();
});

async function serve(app: Parameters<typeof fromFetch>[0], options: FromFetchOptions = {}): Promise<string> {
  const server = createServer(toNode(fromFetch(app, options))).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const stock = new Hono<{ Bindings: Exchange }>();
stock.use("/cors", cors());
stock.use("/limited", bodyLimit({ maxSize: 4 }));
stock.get("/", (c) => c.text(`${c.req.method} ${c.req.query("q") ?? ""} ${c.req.header("X-Name") ?? ""}`));
stock.get("/cors", (c) => c.json([...c.req.raw.headers.keys()]));
stock.get("/env", (c) => c.text(`${c.env.remoteAddress?.transport ?? ""} ${c.env.target}`));
stock.post("/json", async (c) => c.json({ got: await c.req.json<unknown>() }, 201));
stock.post("/form", async (c) => {
  const form = await c.req.raw.formData();
  return c.text(`${form.get("name") as string} ${await (form.get("file") as File).text()}`);
});
stock.post("/limited", async (c) => c.text(await c.req.text()));
stock.mount(
  "/mounted",
  async (request: Request) => new Response(`${new URL(request.url).pathname} ${await request.text()}`),
);
stock.get("/events", (c) =>
  streamSSE(c, async (stream) => {
    await stream.writeSSE({ data: "one" });
    await stream.writeSSE({ data: "two" });
  }),
);
stock.get("/fails", () => {
  throw new Error("secret");
});

stock.onError((error, c) =>
  error instanceof HTTPException ? error.getResponse() : c.text(`handled ${error.message}`, 503),
);

const { Request: originalRequest, fetch: originalFetch } = globalThis;

test("by default fromFetch changes no global", async () => {
  await using client = await createTestClient(fromFetch(stock));
  expect((await client.request("/?q=1")).text()).toBe("GET 1 ");
  expect([globalThis.Request === originalRequest, globalThis.fetch === originalFetch]).toEqual([true, true]);
});

describe("fromFetch runs a Hono app", () => {
  test.each<[string, string, RequestInit, number, string]>([
    ["query and headers", "/?q=1", { headers: { "x-name": "n" } }, 200, "GET 1 n"],
    ["the exchange as c.env", "/env?x=%2F", {}, 200, "tcp /env?x=%2F"],
    ["JSON", "/json", { method: "POST", body: '{"a":1}' }, 201, '{"got":{"a":1}}'],
    ["a body within a limit", "/limited", { method: "POST", body: "1234" }, 200, "1234"],
    ["a body beyond a limit", "/limited", { method: "POST", body: "12345" }, 413, "Payload Too Large"],
    [
      "a mounted handler, for which Hono makes a new Request",
      "/mounted/x",
      { method: "POST", body: "in" },
      200,
      "/x in",
    ],
    ["an event stream", "/events", {}, 200, "data: one\n\ndata: two\n\n"],
    ["HEAD", "/", { method: "HEAD" }, 200, ""],
    ["no route", "/none", {}, 404, "404 Not Found"],
    ["an error", "/fails", {}, 503, "handled secret"],
  ])("%s", async (_name, path, init, status, body) => {
    const response = await fetch((await serve(stock)) + path, init);
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  test("reads multipart forms", async () => {
    const body = new FormData();
    body.set("name", "股票");
    body.set("file", new File(["content"], "a.txt"));
    const response = await fetch(`${await serve(stock)}/form`, { method: "POST", body });
    expect(await response.text()).toBe("股票 content");
  });

  test("sends the headers that middleware adds", async () => {
    const response = await fetch(`${await serve(stock)}/cors`, { headers: { origin: "http://o.test" } });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await response.json()).toContain("origin");
  });

  test("a client that disconnects aborts the signal and cancels the stream", async () => {
    const events: string[] = [];
    const over = Promise.withResolvers<void>();
    const app = new Hono().get("/", (c) => {
      c.req.raw.signal.addEventListener("abort", () => events.push("abort"));
      const body = new ReadableStream({
        start: (stream) => {
          stream.enqueue(Buffer.from("first"));
        },
        cancel: () => {
          events.push("cancel");
          over.resolve();
        },
      });
      return c.body(body);
    });
    const { port } = new URL(await serve(app));
    const socket = connect(Number(port), "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    await over.promise;
    expect(events).toEqual(["abort", "cancel"]);
  });
});

describe.each<[string, FromFetchOptions]>([
  ["lazy", { genuineRequests: false }],
  ["genuine", {}],
])("the %s Request", (_name, options) => {
  /** What `see` returns for the Request of a POST with content. */
  async function ask(
    see: (...given: Parameters<FetchHandler>) => unknown,
    target = "/p?q=1",
    method = "POST",
  ): Promise<unknown> {
    let seen: unknown;
    const handler: FetchHandler = async (...given) => {
      seen = await see(...given);
      return new Response();
    };
    await using client = await createTestClient(fromFetch(handler, options));
    const headers = { "Content-Type": "text/plain", "x-a": ["1", "2"] };
    await client.request(target, { method, headers, body: "content" });
    return seen;
  }

  test.each<[string, (request: Request) => unknown, unknown]>([
    ["instanceof", (request) => request instanceof Request, true],
    ["method", (request) => request.method, "POST"],
    ["url", (request) => request.url, "http://test.localhost/p?q=1"],
    ["headers, in any case", (request) => request.headers.get("Content-TYPE"), "text/plain"],
    ["joined headers", (request) => request.headers.get("x-a"), "1, 2"],
    ["text", (request) => request.text(), "content"],
    ["blob", async (request) => (await request.blob()).type, "text/plain"],
    ["body", async (request) => (await new Response(request.body).text()).length, 7],
    [
      "bodyUsed",
      async (request) => [request.bodyUsed, await request.text(), request.bodyUsed],
      [false, "content", true],
    ],
    ["clone", async (request) => [await request.clone().text(), await request.text()], ["content", "content"]],
    ["new Request of it", async (request) => [new Request(request).method, request.bodyUsed], ["POST", true]],
    [
      "new Request of it with another body",
      (request) => new Request(request, { method: "PUT", body: "other" }).text(),
      "other",
    ],
    ["new Request with it for an init", (request) => new Request("http://x.test/", request).text(), "content"],
    ["members that a server does not set", (request) => [request.redirect, request.cache], ["follow", "default"]],
    ["its inspection", (request) => inspect(request).includes("POST"), true],
    ["its tag", (request) => Object.prototype.toString.call(request), "[object Request]"],
  ])("has %s", async (_member, see, expected) => {
    expect(await ask(see)).toEqual(expected);
  });

  test.each<[string, (request: Request) => unknown]>([
    ["clone()", (request) => request.clone().headers],
    ["new Request of it", (request) => new Request(request).headers],
    ["the request itself", (request) => request.headers],
  ])("shows changes of its headers in %s, whatever was used before", async (_name, headersOf) => {
    const seen = await ask((request) => {
      const { headers } = request;
      void request.body;
      headers.set("x-a", "3");
      headers.set("x-user", "7");
      headers.delete("content-type");
      return [...(headersOf(request) as Headers)].filter(
        ([name]) => name.startsWith("x-") || name.startsWith("content-t"),
      );
    });
    expect(seen).toEqual([
      ["x-a", "3"],
      ["x-user", "7"],
    ]);
  });

  test("reads a form by the Content-Type that the application has set", async () => {
    const seen = await ask(async (request) => {
      void request.body;
      request.headers.set("content-type", "application/x-www-form-urlencoded");
      return [...(await request.formData()).keys()];
    });
    expect(seen).toEqual(["content"]);
  });

  test.each([
    ["/x/../adm/secret", "/adm/secret"],
    ["/x/%2e%2E/adm/secret", "/adm/secret"],
    ["/%2e/adm", "/adm"],
    ["/a|b", "/a|b"],
    ["/a%2Fb?x=%2e", "/a%2Fb?x=%2e"],
  ])("has one normalized URL for every reader of the target %s", async (target, path) => {
    let seen: unknown;
    const handler: FetchHandler = (request) => {
      seen = [request.url, new URL(request.url).href, request.clone().url, new Request(request).url];
      return new Response();
    };
    // As a server passes it: the URL is not normalized (TSGI-2).
    const incoming = { method: "GET", url: `http://A.test:80${target}`, headers: toHeaderView({}), body: null };
    const { signal } = new AbortController();
    await fromFetch(handler, options).fetch({ ...incoming, signal }, {} as Exchange);
    expect(seen).toEqual(Array.from({ length: 4 }, () => `http://a.test${path}`));
  });

  test.each(["CONNECT", "TRACE", "track"])("is not made for %s, which gets 501", async (method) => {
    const handler = vi.fn<FetchHandler>();
    await using client = await createTestClient(fromFetch(handler, options));
    expect((await client.request("/", { method })).status).toBe(501);
    expect(handler).not.toHaveBeenCalled();
  });

  test("normalizes the method as Fetch does", async () => {
    expect([
      await ask(({ method }) => method, "/", "post"),
      await ask(({ method }) => method, "/", "propfind"),
    ]).toEqual(["POST", "propfind"]);
  });

  test("carries the exchange's signal, and a context with waitUntil", async () => {
    const work = Promise.withResolvers<void>();
    const seen = await ask((request, exchange, context) => {
      context.waitUntil(work.promise);
      context.passThroughOnException();
      work.resolve();
      return [request.signal.aborted, new Request(request).signal.aborted, exchange.draining.aborted];
    });
    expect(seen).toEqual([false, false, false]);
  });
});

test.each<[string, FromFetchOptions]>([
  ["lazy", { genuineRequests: false }],
  ["genuine", {}],
])("fetch accepts the %s Request, so that a handler can forward it", async (_name, options) => {
  const origin = await serve(async (request) => new Response(`${request.method} ${await request.text()}`));
  const proxy = await serve((request: Request) => fetch(new Request(origin, request)), options);
  expect(await (await fetch(proxy, { method: "PUT", body: "through" })).text()).toBe("PUT through");
  const itself = await serve(
    async (request: Request) =>
      request.headers.has("x-again") ? new Response("again") : fetch(request, { headers: { "x-again": "1" } }),
    options,
  );
  expect(await (await fetch(itself)).text()).toBe("again");
});

test("a stream that never ends is cancelled when the request is HEAD", async () => {
  const cancelled = vi.fn();
  const endless = () =>
    new Response(new ReadableStream({ pull: (stream) => stream.enqueue(Buffer.from("a")), cancel: cancelled }));
  await using client = await createTestClient(fromFetch(endless));
  expect((await client.request("/", { method: "HEAD" })).body.byteLength).toBe(0);
  expect(cancelled).toHaveBeenCalledOnce();
});

test("an incoming web Request is passed on as it is", async () => {
  const request = new Request("http://a.test/");
  let seen: Request | undefined;
  const application = fromFetch((given) => {
    seen = given;
    return new Response();
  });
  await application.fetch(request, {} as Exchange);
  expect(seen).toBe(request);
});
