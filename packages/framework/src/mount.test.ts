import { accessLog, type AccessRecord, requestIdOf } from "@tsgi/gateway-spec/access-log";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Application, Handler } from "@tsgi/gateway-spec";
import { fromFetch, toFetch } from "@tsgi/gateway-spec/fetch";
import { fromNode, toNode } from "@tsgi/gateway-spec/node";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import express from "express";
import { Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import { App, RequestKey, type AppOptions } from "./index.ts";

/** A shop that shows where it thinks it is. */
function createShop(options: AppOptions = {}): App {
  const app = new App(options);
  app.get("/", ({ urlFor }) => ({ page: "home", item: urlFor("item", { id: 7 }, { a: 1 }) }));
  app.get("/items/:id<int>", { name: "item" }, ({ params, base, url, query }) => ({
    ...params,
    base,
    path: url.pathname,
    a: query.get("a"),
  }));
  return app;
}

const HOME = { page: "home", item: "/shop/items/7?a=1" };
const ITEM = { id: 7, base: "/shop", path: "/items/7", a: "1" };

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(listener: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(listener as never).listen(0, "127.0.0.1");
  closers.push(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Each way to put an application below /shop. */
const HOSTS: Readonly<Record<string, () => Promise<(path: string) => Promise<unknown>>>> = {
  "an App": async () => {
    const outer = new App();
    outer.mount("/shop", createShop());
    const client = await createTestClient(outer);
    return async (path) => (await client.request(path)).json();
  },
  "an App within an App": async () => {
    const [outer, middle] = [new App(), new App()];
    middle.mount("/", createShop());
    outer.mount("/shop/", middle);
    const client = await createTestClient(outer);
    return async (path) => (await client.request(path)).json();
  },
  Express: async () => {
    const url = await listen(express().use("/shop", toNode(createShop())));
    return async (path) => (await fetch(url + path)).json();
  },
  // Hono removes the prefix from the request without a trace, so the option names it.
  Hono: async () => {
    const hono = new Hono().mount("/shop", toFetch(createShop({ base: "/shop" })) as never);
    return async (path) => (await hono.request(`http://localhost${path}`)).json();
  },
};

describe.each(Object.keys(HOSTS))("an application that %s mounts below a prefix", (host) => {
  test("sees its own path, and builds URLs with the prefix", async () => {
    const get = await HOSTS[host]?.();
    for (const path of ["/shop", "/shop/"]) expect(await get?.(path)).toEqual(HOME);
    expect(await get?.("/shop/items/7?a=1")).toEqual(ITEM);
    expect(await get?.("/shop/nowhere")).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("app.mount", () => {
  test("hands over every method; a route with a longer path comes first, a shorter wildcard after", async () => {
    const app = new App();
    const inner: Handler = (request) => ({ status: 200, body: `${request.method} ${new URL(request.url).pathname}` });
    app.get("/*page", () => "page");
    app.mount("/api", inner);
    app.get("/api/own", () => "own");
    await using client = await createTestClient(app);
    const get = async (path: string, method = "GET") => (await client.request(path, { method })).text();
    expect(await get("/api/x/y")).toBe("GET /x/y");
    expect(await get("/api", "PURGE")).toBe("PURGE /");
    expect(await get("/api/x", "OPTIONS")).toBe("OPTIONS /x");
    expect(await get("/api/own")).toBe("own");
    expect(await get("/api/own", "POST")).toBe("POST /own");
    expect(await get("/apis")).toBe("page");
    expect(await get("/api%2Fx")).toBe("page");
  });

  test("hands its own path to a mounted Express or Hono application too", async () => {
    const inner = express().get("/x", ({ url, originalUrl, baseUrl }, res) => {
      res.json({ url, originalUrl, baseUrl });
    });
    const hono = new Hono().get("/x", (context) => context.text(context.req.path));
    const app = new App();
    app.mount("/express", fromNode(inner));
    app.mount("/hono", fromFetch(hono));
    await using client = await createTestClient(app);
    expect((await client.request("/express/x?a=1")).json()).toEqual({
      url: "/x?a=1",
      originalUrl: "/express/x?a=1",
      baseUrl: "/express",
    });
    expect((await client.request("/hono/x?a=1")).text()).toBe("/x");
  });

  test("takes a prefix with parameters", async () => {
    const app = new App();
    app.mount("/tenants/:id", createShop());
    await using client = await createTestClient(app);
    const response = await client.request("/tenants/a%2Fb/items/7");
    expect(response.json()).toMatchObject({ id: 7, base: "/tenants/a%2Fb", path: "/items/7" });
  });

  test("refuses a prefix that is taken", () => {
    const app = new App();
    app.mount("/api", createShop());
    expect(() => {
      app.mount("/api/", createShop());
    }).toThrow(expect.objectContaining({ code: "ROUTE_CONFLICT" }));
  });

  test("starts and stops what is mounted in order, once, each with a state of its own", async () => {
    const events: string[] = [];
    const part = (name: string): Application<string> => ({
      startup: () => {
        events.push(`start ${name}`);
        return name;
      },
      shutdown: (state) => void events.push(`stop ${state}`),
      fetch: (_request, { state }) => ({ status: 200, body: state }),
    });
    const app = new App({
      startup: () => {
        events.push("start outer");
        return "outer";
      },
      shutdown: (state) => void events.push(`stop ${state}`),
    });
    const one = part("one");
    app.mount("/one", one);
    app.mount("/again", one);
    app.mount("/two", part("two"));
    app.get("/", ({ exchange }) => exchange.state);
    const client = await createTestClient(app);
    const bodies = [];
    for (const path of ["/", "/one", "/again", "/two"]) bodies.push((await client.request(path)).text());
    expect(bodies).toEqual(["outer", "one", "one", "two"]);
    await client.close();
    expect(events).toEqual(["start outer", "start one", "start two", "stop two", "stop one", "stop outer"]);
  });

  test("runs an object of a class, whose fetch uses this", async () => {
    class Greeting implements Application {
      readonly #text = "hello";
      fetch(): { readonly status: number; readonly body: string } {
        return { status: 200, body: this.#text };
      }
    }
    const app = new App();
    app.mount("/in", new Greeting());
    await using client = await createTestClient(app);
    expect((await client.request("/in")).text()).toBe("hello");
  });

  test("starts once for two servers whose state is the same, and stops with the second one", async () => {
    const events: string[] = [];
    const app = new App();
    app.mount("/in", {
      startup: () => `state ${events.push("start")}`,
      shutdown: (state) => void events.push(`stop ${state}`),
      fetch: (_request, { state }) => ({ status: 200, body: state }),
    } satisfies Application<string>);
    const [one, two] = [await createTestClient(app), await createTestClient(app)];
    await one.close();
    expect((await two.request("/in")).text()).toBe("state 1");
    await two.close();
    expect(events).toEqual(["start", "stop state 1"]);
    await using again = await createTestClient(app);
    expect((await again.request("/in")).text()).toBe("state 3");
  });

  test("reports why an application did not start, also where the shutdown of the outer one fails", async () => {
    const app = new App({ shutdown: () => Promise.reject(new Error("already closed")) });
    app.mount("/in", { fetch: () => ({ status: 200 }), startup: () => Promise.reject(new Error("no database")) });
    await expect(createTestClient(app)).rejects.toThrow("no database");
  });

  test("stops what has started where one application does not start", async () => {
    const events: string[] = [];
    const app = new App({ shutdown: () => void events.push("stop outer") });
    app.mount("/a", { fetch: () => ({ status: 200 }), startup: () => "a", shutdown: () => void events.push("stop a") });
    app.mount("/b", { fetch: () => ({ status: 200 }), startup: () => Promise.reject(new Error("no database")) });
    await expect(createTestClient(app)).rejects.toThrow("no database");
    expect(events).toEqual(["stop a", "stop outer"]);
  });

  test("keeps data of the request and the capabilities of the exchange", async () => {
    const tenant = new RequestKey<string>("tenant");
    const inner = new App({ startup: () => "inner" });
    inner.get("/", ({ exchange, after }) => {
      after((response) => ({ ...response, status: 201 }));
      const { target, encrypted, protocol, state } = exchange;
      return {
        tenant: tenant.require(exchange),
        target,
        encrypted,
        protocol,
        state,
        upgrade: "upgradeWebSocket" in exchange,
      };
    });
    const app = new App();
    app.use((next) => (request, exchange) => {
      tenant.set(exchange, "a");
      return next(request, exchange);
    });
    app.mount("/in", inner);
    await using client = await createTestClient(app);
    const response = await client.request("/in", { exchange: { encrypted: true } });
    expect([response.status, response.json()]).toEqual([
      201,
      { tenant: "a", target: "/in", encrypted: true, protocol: "1.1", state: "inner", upgrade: false },
    ]);
  });

  test("hands over the content and the signal of the request", async () => {
    const inner = new App();
    inner.post("/echo", async ({ text, request }) => ({ text: await text(), aborted: request.signal.aborted }));
    const app = new App();
    app.mount("/in", inner);
    await using client = await createTestClient(app);
    const response = await client.request("/in/echo", {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: "x",
    });
    expect(response.json()).toEqual({ text: "x", aborted: false });
  });
});

describe("app.host", () => {
  test("chooses an application by the host name, without the port and in any case", async () => {
    const site =
      (name: string): Handler =>
      (request) => ({ status: 200, body: `${name} ${new URL(request.url).pathname}` });
    const app = new App();
    app.host("api.example.com", site("api"));
    app.host("*.example.com", site("any"));
    app.host("[::1]", site("v6"));
    app.host("localhost:7788", site("local"));
    app.get("/x", () => "own");
    await using client = await createTestClient(app);
    const get = async (origin: string) => (await client.request(`${origin}/x`)).text();
    expect(await get("http://api.example.com")).toBe("api /x");
    expect(await get("http://API.example.com:8080")).toBe("api /x");
    expect(await get("http://shop.example.com")).toBe("any /x");
    expect(await get("http://a.shop.example.com")).toBe("own");
    expect(await get("http://example.com")).toBe("own");
    expect(await get("http://[::1]:80")).toBe("v6 /x");
    expect(await get("http://localhost:3000")).toBe("local /x");
  });
});

describe("app.rewrite", () => {
  test("leaves out the parameters that the new path does not have", async () => {
    const app = new App();
    app.get("/about", () => "about");
    app.get("/pages/:name", ({ params }) => params.name);
    app.rewrite("/:language/about", "/about");
    app.rewrite("/:language<int>/p/:name/*rest", "/pages/:name");
    await using client = await createTestClient(app);
    expect((await client.request("/de/about")).text()).toBe("about");
    expect((await client.request("/7/p/a%20b/c/d")).text()).toBe("a b");
  });

  test("changes the path before the middleware, once, and keeps the query", async () => {
    const app = new App();
    const seen: string[] = [];
    app.use((next) => (request, exchange) => {
      seen.push(new URL(request.url).pathname);
      return next(request, exchange);
    });
    app.get("/users/:id", { name: "user" }, ({ params, query, urlFor }) => [
      params.id,
      query.get("a"),
      urlFor("user", { id: 1 }),
    ]);
    app.rewrite("/~:id", "/users/:id");
    app.rewrite("/me", "/~me");
    await using client = await createTestClient(app);
    expect((await client.request("/~b%20c?a=1")).json()).toEqual(["b c", "1", "/users/1"]);
    expect((await client.request("/me")).status).toBe(404);
    expect(seen).toEqual(["/users/b%20c", "/~me"]);
  });

  test("refuses a new path with a parameter that the old one lacks", () => {
    expect(() => {
      new App().rewrite("/a/:id", "/b/:name");
    }).toThrow('Cannot rewrite /a/:id to /b/:name: it has no parameter "name"');
  });

  test("builds URLs with the prefix of the mounted application", async () => {
    const inner = createShop();
    inner.rewrite("/i/:id", "/items/:id");
    const app = new App();
    app.mount("/shop", inner);
    await using client = await createTestClient(app);
    expect((await client.request("/shop/i/7?a=1")).json()).toEqual(ITEM);
  });
});

describe("trailingSlash", () => {
  test("redirect sends a client to the path that has a route, below the prefix, and never to another site", async () => {
    const inner = new App({ trailingSlash: "redirect" });
    inner.get("/users", () => "users");
    inner.get("/folder/", () => "folder");
    inner.get("/:a/:b", () => "two");
    inner.post("/users", () => "made");
    const app = new App();
    app.mount("/in", inner);
    await using client = await createTestClient(app);
    const get = async (path: string, method = "GET") => {
      const { status, headers } = await client.request(path, { method });
      return [status, headers.get("location")];
    };
    expect(await get("/in/users/?a=1")).toEqual([308, "/in/users?a=1"]);
    expect(await get("/in/folder")).toEqual([308, "/in/folder/"]);
    expect(await get("/in/users/", "POST")).toEqual([308, "/in/users"]);
    expect(await get("/in/nowhere/")).toEqual([404, null]);
    await using direct = await createTestClient(inner);
    const evil = await direct.request("/", { exchange: { target: "//evil.example/x/" } });
    expect(evil.headers.get("location")).toBeNull();
  });

  test("strict, the default, takes two paths for two resources", async () => {
    const app = new App();
    app.get("/users", () => "users");
    await using client = await createTestClient(app);
    expect((await client.request("/users/")).status).toBe(404);
  });
});

test.each([
  ["/users/7", "/users/:id<int>"],
  ["/shop/items/a/b", "/shop/items/*rest"],
  ["/shop/missing", null],
  ["/missing", null],
  ["/function", null],
])("an access log has the route of %s with the prefix of its mount: %s", async (path, route) => {
  // A state of its own means an exchange of its own.
  const shop = new App({ startup: () => "state" });
  shop.get("/items/*rest", () => "item");
  const app = new App();
  app.get("/users/:id<int>", () => "user");
  app.mount("/shop", shop);
  app.mount("/function", () => ({ status: 204 }));
  const { promise, resolve } = Promise.withResolvers<AccessRecord>();
  const format = (record: AccessRecord) => {
    resolve(record);
    return "";
  };
  const log = accessLog({ format, write: () => undefined });
  await using client = await createTestClient({ startup: app.startup, shutdown: app.shutdown, fetch: log(app.fetch) });
  await client.request(path);
  expect((await promise).route).toBe(route);
});

test("a mounted application with a state of its own has the request id of the response", async () => {
  const shop = new App({ startup: () => "state" });
  shop.get("/", ({ exchange, reply }) => reply(requestIdOf(exchange)));
  const app = new App();
  app.mount("/shop", shop);
  const log = accessLog({ write: () => undefined });
  await using client = await createTestClient({ startup: app.startup, shutdown: app.shutdown, fetch: log(app.fetch) });
  const response = await client.request("/shop/");
  expect(response.text()).toBe(response.headers.get("x-request-id"));
});
