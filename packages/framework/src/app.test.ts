import { lint } from "@tsgi/gateway-spec/lint";
import { createTestClient, type TestResponse } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { DatabaseError } from "./database/errors.ts";
import { App, HttpError, type AppOptions, type Context } from "./index.ts";

/** An application whose log is at hand. */
function loggedApp(options: AppOptions = {}): { app: App; log: (readonly [message: string, error: unknown])[] } {
  const log: (readonly [string, unknown])[] = [];
  const logger = { error: (message: string, error?: unknown) => void log.push([message, error]) };
  return { app: new App({ ...options, logger }), log };
}

function headersOf(response: TestResponse): object {
  return Object.fromEntries(response.headers);
}

describe("routes", () => {
  test("answer by method and path, with the parameters of the path", async () => {
    const app = new App();
    app.get("/users/:id", ({ params }) => ({ got: params.id }));
    app.post("/users/:id", { name: "user" }, async ({ params }) => `<b>${params.id}`);
    app.put("/users/:id", () => ({ status: 201, body: "put" }));
    app.patch("/users/:id", () => Response.json({ patched: true }));
    app.delete("/users/:id", () => null);
    app.add({ method: "PURGE", path: "/users/:id", handler: () => "purged" });
    await using client = await createTestClient(app);
    const bodies = new Map<string, string>();
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"]) {
      const response = await client.request("/users/7", { method });
      bodies.set(method, `${response.status} ${response.text()}`);
    }
    expect(Object.fromEntries(bodies)).toEqual({
      GET: '200 {"got":"7"}',
      POST: "200 <b>7",
      PUT: "201 put",
      PATCH: '200 {"patched":true}',
      DELETE: "204 ",
      PURGE: "200 purged",
    });
    expect(app.urlFor("user", { id: 7 })).toBe("/users/7");
  });

  test("of a handler without a promise answer without one", async () => {
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

  test("answer HEAD as GET, and OPTIONS and wrong methods with Allow", async () => {
    const app = new App();
    app.get("/a", () => "text");
    app.post("/a", () => "text");
    app.delete("/b", () => null);
    await using client = await createTestClient(app);

    const head = await client.request("/a", { method: "HEAD" });
    expect([head.status, head.text(), head.headers.get("content-type")]).toEqual([200, "", "text/html; charset=utf-8"]);

    const options = await client.request("/a", { method: "OPTIONS" });
    expect([options.status, headersOf(options)]).toEqual([204, { allow: "GET, HEAD, OPTIONS, POST" }]);

    const server = await client.request("/", { method: "OPTIONS", exchange: { target: "*" } });
    expect([server.status, headersOf(server)]).toEqual([204, { allow: "DELETE, GET, HEAD, OPTIONS, POST" }]);

    const wrong = await client.request("/a", { method: "PUT" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS, POST"]);
  });

  test("are found by a request target in absolute form too", async () => {
    const app = new App();
    app.get("/a", ({ query }) => [...query]);
    await using client = await createTestClient(app);
    const response = await client.request("/", { exchange: { target: "http://host/a?x=1" } });
    expect(response.json()).toEqual([["x", "1"]]);
  });

  test("of a class handler are its methods", async () => {
    class UserHandler {
      readonly #found = "user";
      get(context: Context<{ id: string }>): string {
        return `${this.#found} ${context.params.id}`;
      }
      delete(): null {
        return null;
      }
    }
    const app = new App();
    app.handle("/users/:id", new UserHandler(), { name: "user" });
    await using client = await createTestClient(app);
    expect((await client.request("/users/7")).text()).toBe("user 7");
    expect((await client.request("/users/7", { method: "DELETE" })).status).toBe(204);
    expect((await client.request("/users/7", { method: "POST" })).headers.get("allow")).toBe(
      "DELETE, GET, HEAD, OPTIONS",
    );
    expect(app.urlFor("user", { id: 7 })).toBe("/users/7");
    expect(() => {
      app.handle("/none", {});
    }).toThrow(expect.objectContaining({ code: "ROUTE_NONE" }));
  });
});

describe("the context", () => {
  test("reads the request", async () => {
    const app = new App();
    app.get("/url", ({ url, query }) => ({ host: url.host, x: query.getAll("x") }));
    app.post("/text", (context) => context.text());
    app.post("/json", async (context) => ({ got: await context.json() }));
    app.post("/form", async (context) => Object.fromEntries(await context.form()));
    app.post("/short", (context) => context.text({ limitBytes: 2 }));
    await using client = await createTestClient(app);
    const post = async (path: string, type: string, body: string) =>
      (await client.request(path, { method: "POST", headers: { "content-type": type }, body })).text();

    expect((await client.request("/url?x=a%26b&x=c+d")).json()).toEqual({ host: "test.localhost", x: ["a&b", "c d"] });
    expect(await post("/text", "text/plain", "利好")).toBe("利好");
    expect(await post("/json", "application/json", "[1]")).toBe('{"got":[1]}');
    expect(await post("/form", "application/x-www-form-urlencoded", "a=1&b=%E5%A5%BD")).toBe('{"a":"1","b":"好"}');
    expect(await post("/json", "application/json", "{")).toContain('"code":"BODY_MALFORMED"');
    expect(await post("/form", "text/plain", "a=1")).toContain('"code":"BODY_UNSUPPORTED_TYPE"');
    expect(await post("/short", "text/plain", "abc")).toContain('"status":413');
  });

  test("answers", async () => {
    const app = new App();
    app.get("/there", { name: "there" }, () => "there");
    app.post("/go", (context) => context.redirect(context.urlFor("there")));
    app.get("/odd", (context) => context.redirect("/股 票?a=%20\r\nx: y", 302));
    app.get("/status", (context) => context.reply({ status: 200 }, { status: 202 }));
    await using client = await createTestClient(app);
    const go = await client.request("/go", { method: "POST" });
    expect([go.status, go.headers.get("location")]).toEqual([303, "/there"]);
    const odd = await client.request("/odd");
    expect([odd.status, odd.headers.get("location")]).toEqual([302, "/%E8%82%A1%20%E7%A5%A8?a=%20%0D%0Ax:%20y"]);
    const status = await client.request("/status");
    expect([status.status, status.json()]).toEqual([202, { status: 200 }]);
  });
});

describe("an error", () => {
  const secret = new Error("SELECT password FROM user");
  const throwing = (error: unknown) => (): never => {
    throw error;
  };

  test.each([
    ["unknown", secret, { title: "Internal Server Error", status: 500, code: "INTERNAL_ERROR" }],
    ["that is nothing", undefined, { title: "Internal Server Error", status: 500, code: "INTERNAL_ERROR" }],
    [
      "of HTTP",
      new HttpError(404, "STOCK_UNKNOWN", "There is no such stock", { cause: secret }),
      { title: "Not Found", status: 404, detail: "There is no such stock", code: "STOCK_UNKNOWN" },
    ],
    [
      "of a database that is away",
      new DatabaseError("DATABASE_UNREACHABLE", "10.0.0.1 refused", { cause: secret }),
      {
        title: "Service Unavailable",
        status: 503,
        detail: "Please try again in a moment",
        code: "SERVICE_UNAVAILABLE",
      },
    ],
    [
      "of a statement",
      new DatabaseError("DATABASE_QUERY", "no such table: user"),
      { title: "Internal Server Error", status: 500, code: "INTERNAL_ERROR" },
    ],
    [
      "of the request's content",
      Object.assign(new Error("cut"), { name: "ExchangeError", code: "REQUEST_BODY_MALFORMED" }),
      { title: "Bad Request", status: 400, code: "BODY_UNREADABLE" },
    ],
  ])("%s tells a client what it may know, thrown at once or later", async (_name, error, problem) => {
    const { app, log } = loggedApp();
    app.get("/now", throwing(error));
    app.get("/later", async () => throwing(error)());
    await using client = await createTestClient(app);
    for (const path of ["/now", "/later"]) {
      const response = await client.request(path);
      expect(response.status).toBe(problem.status);
      expect(headersOf(response)).toEqual({ "content-type": "application/problem+json", vary: "accept" });
      expect(response.json()).toEqual(problem);
    }
    expect(log).toHaveLength(problem.status >= 500 ? 2 : 0);
  });

  test("is logged once: with its stack where nobody planned for it, in a line where the line says it all", async () => {
    const { app, log } = loggedApp();
    app.get("/bug", throwing(secret));
    app.get("/away", throwing(new DatabaseError("DATABASE_UNREACHABLE", "db:3306 refused", { cause: secret })));
    await using client = await createTestClient(app);
    await client.request("/bug?token=1");
    await client.request("/away");
    expect(log).toEqual([
      ["GET /bug answered 500", secret],
      ["GET /away answered 503: DATABASE_UNREACHABLE db:3306 refused", undefined],
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

  test("is answered by onError: with a result of the error's status, a better error, or not at all", async () => {
    const { app, log } = loggedApp({
      onError: (error, context) => {
        if (error === secret) throw new HttpError(409, "CONFLICT");
        if (context.request.url.endsWith("/usual")) return undefined;
        return context.request.url.endsWith("/plain") ? "plain" : context.reply("replied");
      },
    });
    app.get("/better", throwing(secret));
    await using client = await createTestClient(app);
    const answers: unknown[] = [];
    for (const path of ["/plain", "/reply", "/usual", "/better"]) {
      const response = await client.request(path);
      answers.push([response.status, response.text()]);
    }
    expect(answers).toEqual([
      [404, "plain"],
      [404, "replied"],
      [404, '{"title":"Not Found","status":404,"code":"NOT_FOUND"}'],
      [409, '{"title":"Conflict","status":409,"code":"CONFLICT"}'],
    ]);
    expect(log).toEqual([]);
  });

  test("is logged where onError answers it with 500 and up", async () => {
    const { app, log } = loggedApp({ onError: () => "sorry" });
    app.get("/", throwing(secret));
    await using client = await createTestClient(app);
    const response = await client.request("/");
    expect([response.status, response.text()]).toEqual([500, "sorry"]);
    expect(log).toEqual([["GET / answered 500", secret]]);
  });
});

test("a forgotten return is an error in every kind of handler", async () => {
  const { app, log } = loggedApp();
  const forgetful = (() => undefined) as unknown as () => null;
  app.get("/now", forgetful);
  app.get("/later", async () => forgetful());
  app.handle("/class", { get: forgetful });
  await using client = await createTestClient(app);
  for (const path of ["/now", "/later", "/class"]) expect((await client.request(path)).status).toBe(500);
  expect(log.map(([, error]) => String(error))).toEqual(
    Array.from({ length: 3 }, () => expect.stringContaining("A handler returned undefined") as unknown),
  );
});

describe("middleware", () => {
  test("wraps handlers and error answers, the first one outermost, composed once", async () => {
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

  test("that throws is answered as a handler is", async () => {
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

/** Never called: the compiler is the test. */
export function doesNotCompile(app: App): void {
  // @ts-expect-error -- the path has no parameter "id"
  app.get("/users/:name", ({ params }) => String(params.id));
  // @ts-expect-error -- the path has no parameter "id"
  app.handle("/users/:name", { get: (context: Context<{ id: string }>) => context.params.id });
  // @ts-expect-error -- a handler returns something
  app.get("/nothing", () => {});
  // @ts-expect-error -- numbers are not sent
  app.get("/number", () => 7);
  app.get("/any/:path", (context: Context) => context.request.url);
}
