import { createTestClient, type TestRequest } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  App,
  HttpError,
  InputError,
  respond,
  route,
  withStatus,
  type AppOptions,
  type BareContext,
  type Layer,
  type Schema,
} from "./index.ts";

const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };

function quietApp(options: AppOptions = {}): { app: App; log: unknown[] } {
  const log: unknown[] = [];
  return { app: new App({ logger: { error: (_line, error) => void log.push(error) }, ...options }), log };
}

async function request(app: App, target: string, options?: TestRequest): Promise<[status: number, body: unknown]> {
  await using client = await createTestClient(app);
  const response = await client.request(target, options);
  const text = response.text();
  return [response.status, response.headers.get("content-type")?.includes("json") === true ? JSON.parse(text) : text];
}

/** A schema of no library: a whole number as text. */
const count: Schema<string, number> & { readonly "~standard": object } = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value: unknown) =>
      typeof value === "string" && /^\d+$/.test(value)
        ? { value: Number(value) }
        : { issues: [{ message: `Expected digits, got ${JSON.stringify(value)}`, path: [] }] },
  },
};

describe("a route with schemas", () => {
  test("gives its handler every part checked and converted", async () => {
    const { app } = quietApp();
    const parts = route("POST /users/:id<int>/:slug", {
      params: { slug: z.string().toUpperCase() },
      query: { page: z.coerce.number().default(1), tag: z.array(z.string()), on: z.stringbool().optional() },
      headers: { "x-version": z.coerce.number() },
      cookies: { theme: z.enum(["dark", "light"]) },
      json: z.object({ name: z.string().trim() }),
    });
    app.on(parts, ({ params, query, headers, cookies, json }) => ({ params, query, headers, cookies, json }));
    const headers = { ...JSON_TYPE, "x-version": "2", cookie: "theme=dark; other=1" };
    const body = JSON.stringify({ name: " x ", more: 1 });
    expect(await request(app, "/users/7/a?tag=x&tag=y&on=yes&more=1", { method: "POST", headers, body })).toEqual([
      200,
      {
        params: { id: 7, slug: "A" },
        query: { page: 1, tag: ["x", "y"], on: true },
        headers: { "x-version": 2 },
        cookies: { theme: "dark" },
        json: { name: "x" },
      },
    ]);
  });

  test("responds 422 with every mistake, and does not run the handler", async () => {
    const { app } = quietApp();
    let ran = false;
    const all = route("POST /:code", {
      params: { code: z.string().max(2) },
      query: { page: z.coerce.number() },
      headers: { "x-version": z.string() },
      json: z.object({ items: z.array(z.object({ price: z.number() })) }),
    });
    app.on(all, () => {
      ran = true;
      return "";
    });
    const body = JSON.stringify({ items: [{ price: 1 }, { price: "x" }] });
    const [status, problem] = await request(app, "/abc?page=x", { method: "POST", headers: JSON_TYPE, body });
    expect(status).toBe(422);
    expect(problem).toEqual({
      title: "Unprocessable Content",
      status: 422,
      detail: "The request has invalid fields",
      code: "INPUT_INVALID",
      errors: [
        { in: "params", field: "code", message: "Too big: expected string to have <=2 characters" },
        { in: "query", field: "page", message: "Invalid input: expected number, received NaN" },
        { in: "headers", field: "x-version", message: "Invalid input: expected string, received undefined" },
        { in: "json", field: "items.1.price", message: "Invalid input: expected number, received string" },
      ],
    });
    expect(ran).toBe(false);
  });

  test.each<readonly [string, Schema, unknown]>([
    ["an unknown field of a strict object", z.strictObject({}), { "<evil>": 1 }],
    ["a key of a record", z.record(z.string(), z.number()), { "<evil>": "x" }],
    ["a key that does not match", z.record(z.string().regex(/^a$/), z.number()), { "<evil>": 1 }],
    [
      "the value in a message of the schema",
      z.string().refine(() => false, { error: ({ input }) => `${String(input)}!` }),
      "<evil>",
    ],
    ["the value in a message of another library", count, "<evil>"],
    [
      "a nested value",
      z.object({ a: z.string().refine(() => false, { error: ({ input }) => String(input) }) }),
      { a: "<evil>" },
    ],
  ])("does not send back %s", async (_title, json, body) => {
    const { app } = quietApp();
    app.post("/", { json }, () => "");
    await using client = await createTestClient(app);
    for (const accept of ["application/json", "text/html"]) {
      const headers = { ...JSON_TYPE, accept };
      const response = await client.request("/", { method: "POST", headers, body: JSON.stringify(body) });
      expect(response.status).toBe(422);
      expect(response.text()).not.toContain("evil");
    }
  });

  test("lists the mistakes on a page for a browser, and as issues for onError", async () => {
    const seen: unknown[] = [];
    const { app } = quietApp({
      onError: (error) => {
        if (error instanceof InputError) seen.push(error.issues);
        return undefined;
      },
    });
    app.get("/", { query: { page: z.coerce.number("Write a number") } }, () => "");
    const [status, page] = await request(app, "/?page=x", { headers: { accept: "text/html" } });
    expect([status, page]).toEqual([422, expect.stringContaining("<li>page: Write a number</li>")]);
    expect(seen).toEqual([[{ in: "query", field: "page", message: "Write a number" }]]);
  });

  test("takes schemas of any library, also beside those of zod and asynchronous ones", async () => {
    const { app } = quietApp();
    const taken = z.string().refine(async (name) => name !== "taken", "Taken");
    app.get("/mixed", { query: { count, page: z.coerce.number() } }, ({ query }) => query);
    app.get("/async", { query: { name: taken } }, ({ query }) => query);
    app.post("/async", { json: z.object({ name: taken }), query: { name: taken } }, ({ json }) => json);
    expect(await request(app, "/mixed?count=3&page=2")).toEqual([200, { count: 3, page: 2 }]);
    expect(await request(app, "/mixed?count=x")).toMatchObject([
      422,
      {
        errors: [
          { in: "query", field: "count", message: "Invalid value" },
          { in: "query", field: "page" },
        ],
      },
    ]);
    for (const [name, status] of [
      ["x", 200],
      ["taken", 422],
      ["y", 200],
    ] as const) {
      expect((await request(app, `/async?name=${name}`))[0]).toBe(status);
      const body = JSON.stringify({ name });
      expect((await request(app, `/async?name=y`, { method: "POST", headers: JSON_TYPE, body }))[0]).toBe(status);
    }
  });

  test("reads a form by the rules of text", async () => {
    const { app } = quietApp();
    const form = {
      note: z.string(),
      price: z.coerce.number().optional(),
      size: z.array(z.coerce.number()),
      sold: z.stringbool().default(false),
    };
    app.post("/", { form }, ({ form }) => form);
    const post = (body: string) => request(app, "/", { method: "POST", headers: FORM_TYPE, body });
    expect(await post("note=&price=&size=1&size=2&sold=on")).toEqual([200, { note: "", size: [1, 2], sold: true }]);
    expect(await post("note=a&note=b")).toEqual([200, { note: "a", size: [], sold: false }]);
    expect(await post("price=x")).toMatchObject([422, { errors: [{ field: "note" }, { field: "price" }] }]);
  });

  test("gives the handler what the schema of a part gives, null and undefined too", async () => {
    const { app } = quietApp();
    const nothing = z.object({}).transform(() => null);
    app.get("/", { query: nothing, headers: nothing, cookies: nothing.transform(() => undefined) }, (context) => [
      context.query,
      context.headers,
      context.cookies === undefined,
    ]);
    expect(await request(app, "/?a=1")).toEqual([200, [null, null, true]]);
  });

  test("lists at most 100 mistakes of a part", async () => {
    const { app } = quietApp();
    app.post("/", { json: z.array(z.number()) }, () => "");
    await using client = await createTestClient(app);
    const response = await client.request("/", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Array.from({ length: 1000 }, () => "")),
    });
    const { errors } = response.json() as { readonly errors: readonly object[] };
    expect([response.status, errors.length]).toEqual([422, 100]);
    expect(errors.at(-1)).toMatchObject({ in: "json", field: "99" });
  });

  test("limits the content of a request by maxBodyBytes", async () => {
    const { app } = quietApp();
    app.post("/json", { json: z.string(), maxBodyBytes: 5 }, ({ json }) => json);
    app.post("/form", { form: { a: z.string() }, maxBodyBytes: 5 }, ({ form }) => form.a);
    const post = (path: string, headers: typeof JSON_TYPE, body: string) =>
      request(app, path, { method: "POST", headers, body }).then(([status]) => status);
    expect(await post("/json", JSON_TYPE, '"abc"')).toBe(200);
    expect(await post("/json", JSON_TYPE, '"abcd"')).toBe(413);
    expect(await post("/form", FORM_TYPE, "a=bcd")).toBe(200);
    expect(await post("/form", FORM_TYPE, "a=bcde")).toBe(413);
  });
});

describe("a response schema", () => {
  const User = z.object({ id: z.number(), name: z.string() });

  test("removes what it does not declare, and sets the status of the route", async () => {
    const { app } = quietApp();
    const secret: { id: number; name: string } = Object.assign({ id: 1, name: "x" }, { password: "secret" });
    app.get("/one", { response: User, status: 201 }, () => secret);
    app.get("/list", { response: z.array(User) }, async () => [secret]);
    app.get("/text", { response: z.string() }, () => "x");
    expect(await request(app, "/one")).toEqual([201, { id: 1, name: "x" }]);
    expect(await request(app, "/list")).toEqual([200, [{ id: 1, name: "x" }]]);
    expect(await request(app, "/text")).toEqual([200, "x"]);
  });

  test("that does not match is a bare 500, with the reason in the log", async () => {
    const { app, log } = quietApp();
    app.get("/", { response: z.array(User) }, () => [{ id: 1, name: 2 } as never]);
    expect(await request(app, "/")).toEqual([
      500,
      { title: "Internal Server Error", status: 500, code: "INTERNAL_ERROR" },
    ]);
    expect(String(log)).toContain('does not match the "response" schema: "0.name": Invalid input: expected string');
  });

  test("for each status checks and strips the results of that status", async () => {
    const { app, log } = quietApp();
    const Reason = z.object({ reason: z.string() });
    app.get("/items/:id", { response: { 200: User, 404: Reason, 204: z.null() } }, ({ params }) => {
      if (params.id === "0") return withStatus(404, { reason: "sold", by: "secret" });
      if (params.id === "1") return withStatus(204, null);
      if (params.id === "2") return withStatus(404, { reason: 2 } as never);
      if (params.id === "3") return withStatus(410, { reason: "gone" }) as never;
      return { id: 4, name: "Ann", password: "secret" };
    });
    app.get("/created", { response: { 201: User }, status: 201 }, () => ({ id: 1, name: "Ann" }));
    app.get("/plain", () => withStatus(418, { teapot: true }));
    expect(await request(app, "/items/0")).toEqual([404, { reason: "sold" }]);
    expect(await request(app, "/items/1")).toEqual([204, ""]);
    expect(await request(app, "/items/4")).toEqual([200, { id: 4, name: "Ann" }]);
    expect(await request(app, "/created")).toEqual([201, { id: 1, name: "Ann" }]);
    expect(await request(app, "/plain")).toEqual([418, { teapot: true }]);
    expect((await request(app, "/items/2"))[0]).toBe(500);
    expect((await request(app, "/items/3"))[0]).toBe(500);
    expect(log.map(String)).toEqual([
      expect.stringContaining('"reason": Invalid input: expected string'),
      expect.stringContaining("no schema for status 410"),
    ]);
  });

  test("does not apply to a response that the handler made", async () => {
    const { app } = quietApp();
    app.get("/reply", { response: User }, ({ reply }) => reply({ error: "x" }, { status: 404 }));
    app.get("/web", { response: User }, () => Response.json({ web: true }));
    app.get("/respond", { response: User }, () => respond({ status: 204 }));
    expect(await request(app, "/reply")).toEqual([404, { error: "x" }]);
    expect(await request(app, "/web")).toEqual([200, { web: true }]);
    expect(await request(app, "/respond")).toEqual([204, ""]);
  });

  test("may be asynchronous, of any library, and transform", async () => {
    const { app } = quietApp();
    app.get("/async", { response: z.object({ a: z.string().transform(async (text) => text.length) }) }, () => ({
      a: "abc",
    }));
    app.get("/other", { response: count }, () => "12");
    expect(await request(app, "/async")).toEqual([200, { a: 3 }]);
    expect(await request(app, "/other")).toEqual([200, 12]);
  });
});

describe("needs", () => {
  test("run once for a request, in order, before the content is read, and refuse by throwing", async () => {
    const { app } = quietApp();
    const events: string[] = [];
    const user = async ({ request }: BareContext) => {
      events.push("user");
      if (request.headers.get("cookie") === null) throw new HttpError(401, "LOGIN_REQUIRED");
      return { id: 1 };
    };
    const admin = async ({ need }: BareContext) => {
      events.push("admin");
      return { admin: (await need(user)).id === 1 };
    };
    app.post("/", { needs: { me: user, role: admin }, json: z.object({}) }, async ({ me, role, need }) => {
      events.push("handler");
      return { me, role, same: (await need(user)) === me };
    });
    const headers = { ...JSON_TYPE, cookie: "a=1" };
    expect(await request(app, "/", { method: "POST", headers, body: "{}" })).toEqual([
      200,
      { me: { id: 1 }, role: { admin: true }, same: true },
    ]);
    expect(events).toEqual(["user", "admin", "handler"]);

    let read = false;
    const body = (async function* () {
      read = true;
      yield new TextEncoder().encode("not JSON");
    })();
    expect((await request(app, "/?", { method: "POST", headers: JSON_TYPE, body }))[0]).toBe(401);
    expect(read).toBe(false);
  });

  test("that return no promise keep the order and the context's members", async () => {
    const { app } = quietApp();
    app.get("/:id", { needs: { now: () => 7 } }, ({ now, params, query }) => ({
      now,
      id: params.id,
      q: query.get("q"),
    }));
    expect(await request(app, "/x?q=1")).toEqual([200, { now: 7, id: "x", q: "1" }]);
  });

  test("come from a group, with its prefix, beside those of the route", async () => {
    const { app } = quietApp();
    const area = app.group("/admin/:team", { needs: { me: () => "me" } });
    area.get("/users/:id<int>", ({ params, me }) => ({ ...params, me }));
    area.post("/users", { needs: { now: () => 7 }, status: 201 }, ({ me, now }) => ({ me, now }));
    const made = area.route("GET /made", { query: { q: z.string() } });
    app.on(made, ({ query, me, params }) => ({ ...query, me, team: params.team }));
    expect(made.url({ team: "a" }, { q: "x" })).toBe("/admin/a/made?q=x");
    expect(await request(app, "/admin/a/users/7")).toEqual([200, { team: "a", id: 7, me: "me" }]);
    expect(await request(app, "/admin/a/users", { method: "POST" })).toEqual([201, { me: "me", now: 7 }]);
    expect(await request(app, "/admin/a/made?q=x")).toEqual([200, { q: "x", me: "me", team: "a" }]);
  });
});

describe("layers around a route", () => {
  test("see the context and the route, the group's outside of the route's, and may respond themselves", async () => {
    const { app } = quietApp();
    const events: string[] = [];
    const traced =
      (name: string): Layer =>
      (next) =>
      async (context) => {
        events.push(`${name} ${context.route?.path ?? ""}`);
        if (context.url.searchParams.get("stop") === name) return context.reply(name, { status: 403 });
        const response = await next(context);
        events.push(`${name} ${response.status}`);
        return response;
      };
    const area = app.group("/in", { around: [traced("outer")], needs: { me: () => void events.push("need") } });
    area.get("/:id", { around: [traced("inner")] }, () => {
      events.push("handler");
      return "x";
    });
    expect(await request(app, "/in/7")).toEqual([200, "x"]);
    expect(events).toEqual(["outer /in/:id", "inner /in/:id", "need", "handler", "inner 200", "outer 200"]);
    expect(await request(app, "/in/7?stop=inner")).toEqual([403, "inner"]);
  });
});

describe("a response that is thrown", () => {
  test("is the response, with the fields and hooks of the context", async () => {
    const { app, log } = quietApp({ onError: () => "onError" });
    const signedIn = ({ redirect, cookie }: BareContext): never => {
      cookie("from", "/page");
      throw redirect("/login.html");
    };
    app.get("/page", { needs: { me: signedIn } }, () => "");
    app.use((next) => (request, exchange) => {
      if (request.url.endsWith("/web")) throw Response.json({ web: true }, { status: 418 });
      return next(request, exchange);
    });
    await using client = await createTestClient(app);
    const { status, headers } = await client.request("/page");
    expect([status, headers.get("location"), headers.has("set-cookie")]).toEqual([303, "/login.html", true]);
    expect(await request(app, "/web")).toEqual([418, { web: true }]);
    expect(log).toEqual([]);
  });
});

describe("a route is refused when it is added", () => {
  test.each<readonly [string, () => unknown, string]>([
    [
      "z.boolean() in text",
      () => new App().get("/", { query: { a: z.boolean().optional() } }, () => ""),
      "z.stringbool()",
    ],
    [
      "z.coerce.boolean() in text",
      () => new App().get("/", { query: { a: z.coerce.boolean() } }, () => ""),
      '"false" as true',
    ],
    [
      "z.number() in text",
      () => new App().get("/", { query: { a: z.array(z.number()) } }, () => ""),
      "z.coerce.number()",
    ],
    ["z.date() in a form", () => new App().post("/", { form: { a: z.date() } }, () => ""), "z.coerce.date()"],
    ["form and json", () => route("POST /", { form: {}, json: z.string() }), '"form" and "json"'],
    ["a parameter that the path lacks", () => route("GET /:a", { params: { b: z.string() } } as never), '"b"'],
    ["a status that is none", () => route("GET /", { status: 99 }), '"status" is 99'],
    ["a need with the name of a member", () => route("GET /", { needs: { render: (() => 1) as never } }), '"render"'],
    ["a schema for a status that is none", () => route("GET /", { response: { 99: z.string() } }), '"99"'],
    ["a response without a schema", () => route("GET /", { response: {} }), "has no schema"],
  ])("for %s", (_title, add, message) => {
    expect(add).toThrow(expect.objectContaining({ code: "ROUTE_OPTIONS_INVALID" }));
    expect(add).toThrow(message);
  });

  test("where it conflicts with another one, with the file and line of both", () => {
    const app = new App();
    app.get("/:a", () => "");
    expect(() => {
      app.on(route("GET /:b"), () => "");
    }).toThrow(
      /^GET \/:b \(\S*endpoint\.test\.ts:\d+\) matches the same requests as \/:a \(\S*endpoint\.test\.ts:\d+\)$/,
    );
  });

  test("where the prefix of a group ends with a slash", () => {
    expect(() => new App().group("/admin/")).toThrow("ends with a slash");
  });

  test.each(["users", "users/:id", " /users"])("where the path %j of a group does not begin with a slash", (path) => {
    const area = new App().group("/admin");
    const invalid: unknown = expect.objectContaining({ code: "ROUTE_PATH_INVALID" });
    expect(() => {
      area.get(path, () => "");
    }).toThrow(invalid);
    expect(() => area.route(`GET ${path}`)).toThrow(invalid);
  });

  test("but the path of a group may be empty: that of its prefix", () => {
    const app = new App();
    const area = app.group("/admin");
    area.get("", () => "");
    expect([app.routes[0]?.path, area.route("POST ").path]).toEqual(["/admin", "/admin"]);
  });

  test("where maxBodyBytes is no number of bytes", () => {
    expect(() => route("POST /", { maxBodyBytes: -1 })).toThrow('"maxBodyBytes" is -1, not a number of bytes from 0');
  });

  test("where a table lacks a handler", () => {
    const table = { index: route("GET /") };
    expect(() => {
      new App().on(table, {} as never);
    }).toThrow('The route "index" (GET /) has no handler');
  });

  test("but <int> gives z.number() the number that it asks for", async () => {
    const { app } = quietApp();
    app.get("/:id<int>", { params: { id: z.number().max(10) } }, ({ params }) => params);
    expect(await request(app, "/7")).toEqual([200, { id: 7 }]);
    expect((await request(app, "/11"))[0]).toBe(422);
  });
});
