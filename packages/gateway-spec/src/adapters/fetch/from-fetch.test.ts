import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { inspect } from "node:util";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { streamSSE } from "hono/streaming";
import { afterEach, describe, expect, test } from "vitest";
import type { Exchange } from "../../index.ts";
import { createTestClient } from "../../testing.ts";
import { type FetchHandler, fromFetch, type FromFetchOptions } from "./index.ts";
import { toNode } from "../node/index.ts";

const servers: (() => void)[] = [];
afterEach(() => {
  for (const close of servers.splice(0)) close();
});

async function serve(app: Parameters<typeof fromFetch>[0]): Promise<string> {
  const server = createServer(toNode(fromFetch(app))).listen(0, "127.0.0.1");
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

describe("fromFetch runs a Hono app", () => {
  test.each<[string, string, RequestInit, number, string]>([
    ["query and headers", "/?q=1", { headers: { "x-name": "n" } }, 200, "GET 1 n"],
    ["the exchange as c.env", "/env?x=%2F", {}, 200, "tcp /env?x=%2F"],
    ["JSON", "/json", { method: "POST", body: '{"a":1}' }, 201, '{"got":{"a":1}}'],
    ["a body within a limit", "/limited", { method: "POST", body: "1234" }, 200, "1234"],
    ["a body beyond a limit", "/limited", { method: "POST", body: "12345" }, 413, "Payload Too Large"],
    ["a mounted handler, whose Request Hono makes of ours", "/mounted/x", { method: "POST", body: "in" }, 200, "/x in"],
    ["an event stream", "/events", {}, 200, "data: one\n\ndata: two\n\n"],
    ["HEAD", "/", { method: "HEAD" }, 200, ""],
    ["no route", "/none", {}, 404, "404 Not Found"],
    ["an error", "/fails", {}, 503, "handled secret"],
  ])("%s", async (_name, path, init, status, body) => {
    const response = await fetch((await serve(stock)) + path, init);
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  test("multipart forms", async () => {
    const body = new FormData();
    body.set("name", "股票");
    body.set("file", new File(["content"], "a.txt"));
    const response = await fetch(`${await serve(stock)}/form`, { method: "POST", body });
    expect(await response.text()).toBe("股票 content");
  });

  test("middleware that writes headers", async () => {
    const response = await fetch(`${await serve(stock)}/cors`, { headers: { origin: "http://o.test" } });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await response.json()).toContain("origin");
  });

  test("the client's leaving reaches the stream and the signal", async () => {
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
  ["lazy", {}],
  ["genuine", { genuineRequests: true }],
])("the %s Request", (_name, options) => {
  /** What the handler made of a POST with content. */
  async function ask(see: (...given: Parameters<FetchHandler>) => unknown): Promise<unknown> {
    let seen: unknown;
    const handler: FetchHandler = async (...given) => {
      seen = await see(...given);
      return new Response();
    };
    await using client = await createTestClient(fromFetch(handler, options));
    const headers = { "Content-Type": "text/plain", "x-a": ["1", "2"] };
    await client.request("/p?q=1", { method: "POST", headers, body: "content" });
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
    ["members that a server has no word for", (request) => [request.redirect, request.cache], ["follow", "default"]],
    ["what a debugger prints", (request) => inspect(request).includes("POST"), true],
    ["its class's name", (request) => Object.prototype.toString.call(request), "[object Request]"],
  ])("has %s", async (_member, see, expected) => {
    expect(await ask(see)).toEqual(expected);
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

test("fetch takes the lazy Request, so that a handler can forward it", async () => {
  const origin = await serve(async (request) => new Response(`${request.method} ${await request.text()}`));
  const proxy = await serve((request) => fetch(new Request(origin, request)));
  expect(await (await fetch(proxy, { method: "PUT", body: "through" })).text()).toBe("PUT through");
  const itself = await serve(async (request) =>
    request.headers.has("x-again") ? new Response("again") : fetch(request, { headers: { "x-again": "1" } }),
  );
  expect(await (await fetch(itself)).text()).toBe("again");
});

test("a genuine Request goes through as it is", async () => {
  const request = new Request("http://a.test/");
  let seen: Request | undefined;
  const application = fromFetch((given) => {
    seen = given;
    return new Response();
  });
  await application.fetch(request, {} as Exchange);
  expect(seen).toBe(request);
});
