import { once } from "node:events";
import { createReadStream } from "node:fs";
import { lint } from "@tsgi/gateway-spec/lint";
import type { Handler } from "@tsgi/gateway-spec";
import { createTestClient, type TestResponse } from "@tsgi/gateway-spec/testing";
import { describe, expect, test, vi } from "vitest";
import { DatabaseError } from "./database/errors.ts";
import { App, HttpError, html, respond, route, type AppOptions, type Context } from "./index.ts";

/** An application whose log is at hand. */
function loggedApp(options: AppOptions = {}): { app: App; log: (readonly [message: string, error: unknown])[] } {
  const log: (readonly [string, unknown])[] = [];
  const logger = { error: (message: string, error?: unknown) => void log.push([message, error]) };
  return { app: new App({ security: false, ...options, logger }), log };
}

function headersOf(response: TestResponse): object {
  return Object.fromEntries(response.headers);
}

describe("a route", () => {
  test("handles its method and path, with the parameters of the path", async () => {
    const app = new App();
    app.get("/users/:id", ({ params }) => ({ got: params.id }));
    app.post("/users/:id", { name: "user" }, async ({ params }) => html`<b>${params.id}</b>`);
    app.put("/users/:id", () => respond({ status: 201, body: "put" }));
    app.patch("/users/:id", () => Response.json({ patched: true }));
    app.delete("/users/:id", () => null);
    app.on(route("PURGE /users/:id"), () => "purged");
    await using client = await createTestClient(app);
    const bodies = new Map<string, string>();
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"]) {
      const response = await client.request("/users/7", { method });
      bodies.set(method, `${response.status} ${response.headers.get("content-type") ?? "-"} ${response.text()}`);
    }
    expect(Object.fromEntries(bodies)).toEqual({
      GET: '200 application/json {"got":"7"}',
      POST: "200 text/html; charset=utf-8 <b>7</b>",
      PUT: "201 - put",
      PATCH: '200 application/json {"patched":true}',
      DELETE: "204 - ",
      PURGE: "200 text/plain; charset=utf-8 purged",
    });
    expect(app.urlFor("user", { id: 7 }, { page: 2 })).toBe("/users/7?page=2");
  });

  test("whose handler returns no promise has a response without a promise", async () => {
    const { app } = loggedApp();
    app.get("/now", () => "now");
    app.get("/later", async () => "later");
    app.get("/fails", () => {
      throw new Error("no");
    });
    const seen: boolean[] = [];
    await using client = await createTestClient((request, exchange) => {
      const response = app.fetch(request, exchange);
      seen.push(response instanceof Promise);
      return response;
    });
    for (const path of ["/now", "/later", "/fails", "/nowhere"]) await client.request(path);
    expect(seen).toEqual([false, true, false, false]);
  });

  test("awaits whatever has a callable then, once", async () => {
    const app = new App();
    let runs = 0;
    const query = {
      // oxlint-disable-next-line unicorn/no-thenable -- query builders are thenables without being promises
      then: (fulfil: (rows: object) => void) => {
        runs += 1;
        fulfil([{ id: 1 }]);
      },
    };
    app.get("/rows", () => query);
    // oxlint-disable-next-line unicorn/no-thenable -- data may have a member of that name
    app.get("/data", () => ({ then: "no function" }));
    app.use((next) => (request, exchange) => {
      const response = next(request, exchange);
      // oxlint-disable-next-line unicorn/no-thenable -- a thenable of a middleware is awaited too
      return { then: (fulfil: (value: unknown) => void) => fulfil(response) } as unknown as typeof response;
    });
    await using client = await createTestClient(app);
    expect((await client.request("/rows")).text()).toBe('[{"id":1}]');
    expect(runs).toBe(1);
    expect((await client.request("/data")).text()).toBe('{"then":"no function"}');
  });

  test("of GET handles HEAD; OPTIONS and other methods get Allow", async () => {
    const app = new App();
    app.get("/a", () => "text");
    app.post("/a", () => "text");
    app.delete("/b", () => null);
    await using client = await createTestClient(app);

    const head = await client.request("/a", { method: "HEAD" });
    expect([head.status, head.text(), head.headers.get("content-type")]).toEqual([
      200,
      "",
      "text/plain; charset=utf-8",
    ]);

    const options = await client.request("/a", { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS, POST"]);

    const server = await client.request("/", { method: "OPTIONS", exchange: { target: "*" } });
    expect([server.status, server.headers.get("allow")]).toEqual([204, "DELETE, GET, HEAD, OPTIONS, POST"]);

    const wrong = await client.request("/a", { method: "PUT" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS, POST"]);
  });

  test("is found by the URL of the request, whatever the form of the target", async () => {
    const app = new App();
    app.get("/a", ({ query }) => [...query]);
    await using client = await createTestClient(app);
    for (const target of ["/a?x=1", "http://test.localhost/a?x=1"]) {
      const response = await client.request("/a?x=1", { exchange: { target } });
      expect(response.json()).toEqual([["x", "1"]]);
    }
  });
});

describe("a guard that reads the path of request.url", () => {
  const GUARDED = ["/admin", "/admin/", "/admin/users", "/secret.html"];

  /** Each is the URL as a server that does not normalize it hands it over. */
  test.each([
    "/public/../admin/users",
    "/public/%2e%2e/admin/users",
    "/public/.%2E/admin/users",
    "/./admin/users",
    "/%2e/admin/users",
    "/admin/..",
    "/admin/%2e%2e/public",
    "/admin/x/..\\..\\..\\public",
    "/public\\..\\admin",
    "/%61dmin/users",
    "/secret%2Ehtml",
    "/public#/../admin",
    "/public\t/admin",
  ])("is not bypassed by %j: the router has one reading of the path, or refuses it", async (path) => {
    const reached: string[] = [];
    const app = new App();
    for (const route of ["/admin", "/admin/*rest", "/secret.html", "/:page", "/public/*rest"] as const) {
      app.get(route, () => {
        reached.push(route);
        return "open";
      });
    }
    const guard: Handler = (request, exchange) => {
      const { pathname } = new URL(request.url);
      if (GUARDED.some((guarded) => pathname.startsWith(guarded))) return { status: 403 };
      return app.fetch(request, exchange);
    };
    const url = `http://test.localhost${path}`;
    await using client = await createTestClient((request, exchange) =>
      guard({ method: "GET", url, headers: request.headers, body: null, signal: request.signal }, exchange),
    );
    for (const target of [path, url]) {
      const response = await client.request("/", { exchange: { target } });
      expect([400, 403]).toContain(response.status);
    }
    expect(reached).toEqual([]);
  });
});

describe("the context", () => {
  test("reads the request, also when its members are taken out of it", async () => {
    const app = new App();
    app.get("/url", ({ url, query, cookies }) => ({ host: url.host, x: query.getAll("x"), a: cookies.get("a") }));
    app.post("/text", ({ text }) => text());
    app.post("/json", async ({ json }) => ({ got: await json() }));
    app.post("/form", async ({ form }) => Object.fromEntries(await form()));
    app.post("/short", ({ text }) => text({ limitBytes: 2 }));
    app.post("/limited", { maxBodyBytes: 2 }, ({ text }) => text());
    await using client = await createTestClient(app);
    const post = async (path: string, type: string, body: string) =>
      (await client.request(path, { method: "POST", headers: { "content-type": type }, body })).text();

    const got = await client.request("/url?x=a%26b&x=c+d", { headers: { cookie: "a=1" } });
    expect(got.json()).toEqual({ host: "test.localhost", x: ["a&b", "c d"], a: "1" });
    expect(await post("/text", "text/plain", "利好")).toBe("利好");
    expect(await post("/json", "application/json", "[1]")).toBe('{"got":[1]}');
    expect(await post("/form", "application/x-www-form-urlencoded", "a=1&b=%E5%A5%BD")).toBe('{"a":"1","b":"好"}');
    expect(await post("/json", "application/json", "{")).toContain('"code":"BODY_MALFORMED"');
    expect(await post("/form", "text/plain", "a=1")).toContain('"code":"BODY_UNSUPPORTED_TYPE"');
    for (const path of ["/short", "/limited"]) expect(await post(path, "text/plain", "abc")).toContain('"status":413');
  });

  test("refuses content with a content coding by 415 and Accept-Encoding (RFC 9110 §15.5.16)", async () => {
    const app = new App();
    app.post("/", ({ text }) => text());
    await using client = await createTestClient(app);
    const headers = { "content-type": "text/plain", "content-encoding": "gzip" };
    const gzip = await client.request("/", { method: "POST", headers, body: "x" });
    expect([gzip.status, gzip.headers.get("accept-encoding")]).toEqual([415, "identity"]);
    const identity = { "content-encoding": "identity" };
    expect((await client.request("/", { method: "POST", headers: identity, body: "x" })).text()).toBe("x");
  });

  test("responds by redirect and by reply", async () => {
    const app = new App();
    app.get("/there", { name: "there" }, () => "there");
    app.post("/go", ({ redirect, urlFor }) => redirect(urlFor("there")));
    app.get("/odd", ({ redirect }) => redirect("/股 票?a=%20\r\nx: y", 302));
    app.get("/half", ({ redirect }) => redirect("/\uD83D"));
    app.get("/status", ({ reply }) => reply({ status: 200 }, { status: 202 }));
    await using client = await createTestClient(app);
    const go = await client.request("/go", { method: "POST" });
    expect([go.status, go.headers.get("location")]).toEqual([303, "/there"]);
    const odd = await client.request("/odd");
    expect([odd.status, odd.headers.get("location")]).toEqual([302, "/%E8%82%A1%20%E7%A5%A8?a=%20%0D%0Ax:%20y"]);
    // Half of a pair, as URL parsers read it.
    expect((await client.request("/half")).headers.get("location")).toBe("/%EF%BF%BD");
    const status = await client.request("/status");
    expect([status.status, status.json()]).toEqual([202, { status: 200 }]);
  });

  test("sets header fields and cookies, whatever the handler returns", async () => {
    const app = new App();
    app.get("/", ({ header, cookie }) => {
      header("Cache-Control", "no-store");
      header("content-type", "text/csv");
      header("vary", "cookie");
      cookie("a", "1");
      cookie("b", "2", { secure: false });
      return new Response("x", { headers: { vary: "accept", "cache-control": "public" } });
    });
    await using client = await createTestClient(app);
    const response = await client.request("/");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "no-store",
      "content-type": "text/csv",
      vary: "accept, cookie",
    });
    const cookies = [...response.headers].filter(([name]) => name === "set-cookie").map(([, value]) => value);
    expect(cookies).toEqual(["a=1; Path=/; HttpOnly; Secure; SameSite=Lax", "b=2; Path=/; HttpOnly; SameSite=Lax"]);
  });

  test("runs after hooks in order, on error responses too; fields that were set before the error are dropped", async () => {
    const { app } = loggedApp();
    const hooks = ({ after, header }: Context): void => {
      header("x-set", "before");
      after(async (response) => ({ ...response, status: response.status + 1 }));
      after((response) => ({ ...response, status: response.status + 10 }));
    };
    app.get("/ok", (context) => {
      hooks(context);
      return "";
    });
    app.get("/fails", async (context) => {
      hooks(context);
      throw new HttpError(409, "CONFLICT");
    });
    await using client = await createTestClient(app);
    const responses = [await client.request("/ok"), await client.request("/fails")];
    expect(responses.map(({ status, headers }) => [status, headers.get("x-set")])).toEqual([
      [211, "before"],
      [420, null],
    ]);
  });
});

describe("an error of a handler", () => {
  const secret = new Error("SELECT password FROM user");
  const throwing = (error: unknown) => (): never => {
    throw error;
  };

  test.each([
    ["an unexpected error", secret, { title: "Internal Server Error", status: 500, code: "INTERNAL_ERROR" }],
    ["undefined, thrown", undefined, { title: "Internal Server Error", status: 500, code: "INTERNAL_ERROR" }],
    [
      "an HttpError",
      new HttpError(404, "STOCK_UNKNOWN", "There is no such stock", { cause: secret }),
      { title: "Not Found", status: 404, detail: "There is no such stock", code: "STOCK_UNKNOWN" },
    ],
    [
      "a pool of threads that is full",
      Object.assign(new Error("all threads work"), { name: "PoolFullError", code: "POOL_FULL" }),
      {
        title: "Service Unavailable",
        status: 503,
        detail: "Please try again in a moment",
        code: "SERVICE_UNAVAILABLE",
      },
    ],
    [
      "a database that is down",
      new DatabaseError("DATABASE_UNREACHABLE", "10.0.0.1 refused", { cause: secret }),
      {
        title: "Service Unavailable",
        status: 503,
        detail: "Please try again in a moment",
        code: "SERVICE_UNAVAILABLE",
      },
    ],
    [
      "a statement that failed",
      new DatabaseError("DATABASE_QUERY", "no such table: user"),
      { title: "Internal Server Error", status: 500, code: "INTERNAL_ERROR" },
    ],
    [
      "content that broke off",
      Object.assign(new Error("cut"), { name: "ExchangeError", code: "REQUEST_BODY_MALFORMED" }),
      { title: "Bad Request", status: 400, code: "BODY_UNREADABLE" },
    ],
  ])("%s becomes a response without a secret, thrown at once or later", async (_name, error, problem) => {
    const { app, log } = loggedApp();
    app.get("/now", throwing(error));
    app.get("/later", async () => throwing(error)());
    await using client = await createTestClient(app);
    for (const path of ["/now", "/later"]) {
      const response = await client.request(path);
      expect(response.status).toBe(problem.status);
      expect(headersOf(response)).toEqual({
        "content-type": "application/problem+json",
        vary: "accept",
        "x-content-type-options": "nosniff",
        ...(problem.status === 503 ? { "retry-after": "5" } : {}),
      });
      expect(response.json()).toEqual(problem);
    }
    expect(log).toHaveLength(problem.status >= 500 ? 2 : 0);
  });

  test("is logged once: an unexpected one with its stack, an expected one in a line", async () => {
    const { app, log } = loggedApp();
    app.get("/bug", throwing(secret));
    app.get("/away", throwing(new DatabaseError("DATABASE_UNREACHABLE", "db:3306 refused", { cause: secret })));
    await using client = await createTestClient(app);
    await client.request("/bug?token=1");
    await client.request("/away");
    expect(log).toEqual([
      ["GET /bug failed with 500", secret],
      ["GET /away failed with 503: DATABASE_UNREACHABLE db:3306 refused", undefined],
    ]);
  });

  test.each([
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"],
    ["application/json, text/html", "text/html; charset=utf-8"],
    ["application/json, text/html;q=0.9", "application/problem+json"],
    ["text/html;q=0", "application/problem+json"],
    ["*/*", "application/problem+json"],
    ["", "application/problem+json"],
  ])("is shown to %s as %s", async (accept, type) => {
    await using client = await createTestClient(new App());
    const response = await client.request("/nowhere", { headers: { accept } });
    expect([response.status, response.headers.get("content-type")]).toEqual([404, type]);
  });

  test("is a page in which nothing is markup, with the header fields it asks for", async () => {
    const app = new App();
    app.get("/", throwing(new HttpError(429, "SLOW_DOWN", "<b>Slow & steady", { headers: { "retry-after": "1" } })));
    await using client = await createTestClient(app);
    const response = await client.request("/", { headers: { accept: "text/html" } });
    expect(response.text()).toContain("<p>&lt;b&gt;Slow &amp; steady</p>");
    expect(response.headers.get("retry-after")).toBe("1");
  });

  test("gets its response from onError: a result with the error's status, another error, or the default", async () => {
    const { app, log } = loggedApp({
      onError: (error, context) => {
        if (error === secret) throw new HttpError(409, "CONFLICT");
        if (context.request.url.endsWith("/usual")) return undefined;
        return context.request.url.endsWith("/plain") ? "plain" : context.reply("replied");
      },
    });
    app.get("/better", throwing(secret));
    await using client = await createTestClient(app);
    const responses: unknown[] = [];
    for (const path of ["/plain", "/reply", "/usual", "/better"]) {
      const response = await client.request(path);
      responses.push([response.status, response.text()]);
    }
    expect(responses).toEqual([
      [404, "plain"],
      [404, "replied"],
      [404, '{"title":"Not Found","status":404,"code":"NOT_FOUND"}'],
      [409, '{"title":"Conflict","status":409,"code":"CONFLICT"}'],
    ]);
    expect(log).toEqual([]);
  });

  test("stays in the log where onError fails itself, whatever the status of the first error", async () => {
    const broken = new TypeError("the error page is broken");
    const { app, log } = loggedApp({
      onError: async () => {
        throw broken;
      },
    });
    app.get("/", throwing(secret));
    await using client = await createTestClient(app);
    expect((await client.request("/")).status).toBe(500);
    expect(log).toEqual([
      ["GET / failed with 500", secret],
      ["GET / failed with 500", broken],
    ]);
    expect((await client.request("/nowhere")).status).toBe(500);
    expect(log.slice(2).map(([line]) => line)).toEqual([
      "GET /nowhere failed with 404",
      "GET /nowhere failed with 500",
    ]);
  });

  test("stays in the log where onError returns what cannot be sent", async () => {
    const { app, log } = loggedApp({ onError: () => new Map() });
    app.get("/", throwing(secret));
    await using client = await createTestClient(app);
    expect((await client.request("/")).status).toBe(500);
    expect(log.map(([, error]) => error)).toEqual([secret, expect.any(TypeError)]);
  });

  test("has its response although the members of its HttpError are no JSON", async () => {
    const { app, log } = loggedApp();
    const members = { seen: new Map() };
    app.get("/", () => {
      throw new HttpError(409, "TAKEN", "Taken", { members });
    });
    app.use((next) => (request, exchange) => {
      if (request.url.endsWith("/outside")) throw new HttpError(409, "TAKEN", "Taken", { members });
      return next(request, exchange);
    });
    await using client = await createTestClient(app);
    for (const path of ["/", "/outside"]) {
      const response = await client.request(path);
      expect([response.status, response.json()]).toMatchObject([500, { code: "INTERNAL_ERROR" }]);
    }
    expect(log.map(([, error]) => String(error))).toEqual([
      "Error: The members of the HttpError TAKEN are no JSON",
      "Error: The members of the HttpError TAKEN are no JSON",
    ]);
  });

  test("has its response although the logger throws", async () => {
    const console = vi.spyOn(globalThis.console, "error").mockImplementation(() => undefined);
    const full = new Error("disk full");
    const app = new App({ logger: { error: throwing(full) } });
    app.get("/", throwing(secret));
    await using client = await createTestClient(app);
    expect((await client.request("/")).status).toBe(500);
    expect(console.mock.calls).toEqual([
      ["The logger of the application threw", full, "while it logged:", "GET / failed with 500", secret],
    ]);
    console.mockRestore();
  });

  test("may be thrown by an after hook; each hook runs once", async () => {
    const { app, log } = loggedApp();
    let runs = 0;
    const hook = (later: boolean) => (): never | Promise<never> => {
      runs += 1;
      if (later) return Promise.reject(secret);
      throw secret;
    };
    app.get("/now", ({ after }) => {
      after(hook(false));
      return "";
    });
    app.get("/later", async ({ after }) => {
      after(hook(true));
      return "";
    });
    await using client = await createTestClient(app);
    for (const path of ["/now", "/later"]) expect((await client.request(path)).status).toBe(500);
    expect([runs, log.length]).toEqual([2, 2]);
  });

  test.each([
    ["throws", throwing(secret)],
    ["rejects", () => Promise.reject(secret)],
  ])("closes the body of a response whose after hook %s", async (_title, hook) => {
    const { app } = loggedApp();
    const file = createReadStream(new URL(import.meta.url));
    app.get("/", ({ after }) => {
      after(hook);
      return respond({ status: 200, body: file });
    });
    await using client = await createTestClient(app);
    const closed = once(file, "close");
    expect((await client.request("/")).status).toBe(500);
    await closed;
  });

  test.each([
    ["a browser on this machine, in development", true, "text/html", "127.0.0.1", true],
    ["a browser elsewhere", true, "text/html", "192.0.2.1", false],
    ["a program", true, "application/json", "127.0.0.1", false],
    ["a browser in production", false, "text/html", "127.0.0.1", false],
  ])("shows its source to %s: %s", async (_title, development, accept, hostname, shown) => {
    const { app } = loggedApp({ development });
    app.get("/", throwing(secret));
    await using client = await createTestClient(app);
    const exchange = { peerAddress: { transport: "tcp", hostname, port: 1 } } as const;
    const response = await client.request("/", { headers: { accept }, exchange });
    expect([response.status, response.text().includes(secret.message)]).toEqual([500, shown]);
  });

  test("is logged where onError responds with 500 and up", async () => {
    const { app, log } = loggedApp({ onError: () => "sorry" });
    app.get("/", throwing(secret));
    await using client = await createTestClient(app);
    const response = await client.request("/");
    expect([response.status, response.text()]).toEqual([500, "sorry"]);
    expect(log).toEqual([["GET / failed with 500", secret]]);
  });
});

test.each([200, 204, 399, 600, 999, 404.5, Number.NaN, "404"])("an HttpError refuses the status %s", (status) => {
  expect(() => new HttpError(status as number, "X")).toThrow(RangeError);
});

test("a forgotten return is an error in every kind of handler", async () => {
  const { app, log } = loggedApp();
  const forgetful = (() => undefined) as unknown as () => null;
  app.get("/now", forgetful);
  app.get("/later", async () => forgetful());
  app.handle(
    "/class",
    class {
      get(): null {
        return forgetful();
      }
    },
  );
  await using client = await createTestClient(app);
  for (const path of ["/now", "/later", "/class"]) expect((await client.request(path)).status).toBe(500);
  expect(log.map(([, error]) => String(error))).toEqual(
    Array.from({ length: 3 }, () => expect.stringContaining("A handler returned undefined") as unknown),
  );
});

describe("middleware", () => {
  test("wraps handlers and error responses, the first one outermost, composed once", async () => {
    const { app } = loggedApp();
    const composed: string[] = [];
    for (const name of ["outer", "inner"]) {
      app.use((next) => {
        composed.push(name);
        return async (request, exchange) => {
          const { status, body } = await next(request, exchange);
          return { status, body: `${name}(${typeof body === "string" ? body : ""})` };
        };
      });
    }
    app.get("/", () => "page");
    await using client = await createTestClient(app);
    expect((await client.request("/")).text()).toBe("outer(inner(page))");
    expect((await client.request("/nowhere")).text()).toMatch(/^outer\(inner\(.*NOT_FOUND/);
    expect(composed).toEqual(["inner", "outer"]);
  });

  test("that throws has the response of a handler that throws", async () => {
    const { app, log } = loggedApp();
    app.use(() => () => {
      throw new HttpError(401, "WHO_ARE_YOU");
    });
    await using client = await createTestClient(app);
    expect((await client.request("/")).status).toBe(401);
    expect(log).toEqual([]);
  });
});

test("an application keeps the rules of the contract", async () => {
  const { app } = loggedApp();
  app.get("/page", () => "page");
  app.get("/data", async () => ({ a: 1 }));
  app.get("/web", () => new Response("web"));
  app.post("/page", (context) => context.redirect("/page"));
  app.delete("/page", () => null);
  await using client = await createTestClient(lint(app));
  const statuses: Record<string, readonly number[]> = {
    "/page": [200, 200, 303, 204, 204],
    "/data": [200, 200, 405, 405, 204],
    "/web": [200, 200, 405, 405, 204],
    "/nowhere": [404, 404, 404, 404, 404],
    "/%": [400, 400, 400, 400, 400],
  };
  for (const [path, expected] of Object.entries(statuses)) {
    const seen: number[] = [];
    for (const method of ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]) {
      seen.push((await client.request(path, { method })).status);
    }
    expect(seen).toEqual(expected);
  }
});

describe("the life of an application", () => {
  test("opens before the first request, gives handlers its state, and closes it", async () => {
    const events: string[] = [];
    const app = new App({
      startup: ({ software }) => {
        events.push(`startup ${software}`);
        return { name: "database" };
      },
      shutdown: ({ name }) => void events.push(`shutdown ${name}`),
    });
    app.get("/", ({ exchange }) => exchange.state.name);
    const client = await createTestClient(app);
    expect((await client.request("/")).text()).toBe("database");
    await client.close();
    expect(events).toEqual(["startup tsgi-test-client", "shutdown database"]);
  });

  test("does not begin where startup fails or the views folder is not there", async () => {
    const failing = new App({ startup: () => Promise.reject(new Error("no database")) });
    await expect(createTestClient(failing)).rejects.toThrow("no database");
    await expect(createTestClient(new App({ views: "./nowhere" }))).rejects.toMatchObject({
      code: "TEMPLATE_NO_VIEWS",
    });
  });
});
