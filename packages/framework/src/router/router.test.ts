import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RouteError } from "./route-error.ts";
import { pathOf } from "./request-path.ts";
import { Router } from "./router.ts";

/** A router whose targets are the paths themselves. A route is a path, of GET where no method stands before it. */
function routerOf(...routes: readonly string[]): Router<string> {
  const router = new Router<string>();
  for (const route of routes) {
    const [method, path] = route.startsWith("/") ? ["GET", route] : route.split(" ");
    router.add(method ?? "", path ?? "", route);
  }
  return router;
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof RouteError) return error.code;
    throw error;
  }
  return undefined;
}

describe("a path", () => {
  const none = null;
  const cases: readonly (readonly [routes: readonly string[], path: string, found: string | null, params?: object])[] =
    [
      [["/"], "/", "/"],
      [["/"], "", none],
      [["/"], "*", none],
      [["/index.html"], "/index.html", "/index.html"],
      [["/index.html"], "/indexxhtml", none],
      [["/股票"], "/%E8%82%A1%E7%A5%A8", "/股票"],
      [["/a b"], "/a%20b", "/a b"],
      // A trailing slash makes another path.
      [["/users"], "/users/", none],
      [["/users/"], "/users", none],
      [["/users", "/users/"], "/users/", "/users/"],
      // An encoded slash is no slash.
      [["/a/b"], "/a%2Fb", none],
      [["/users/:id"], "/users/7", "/users/:id", { id: "7" }],
      [["/users/:id"], "/users/", none],
      [["/users/:id"], "/users/7/", none],
      [["/users/:id"], "/users/a%2Fb", "/users/:id", { id: "a/b" }],
      [["/users/:id"], "/users/%25", "/users/:id", { id: "%" }],
      [["/users/:id"], "/users/a+b", "/users/:id", { id: "a+b" }],
      [["/:a/:b"], "/x/y", "/:a/:b", { a: "x", b: "y" }],
      // Patterns, within a segment and anchored.
      [
        [String.raw`/add/:code(\d{6}).html`],
        "/add/000007.html",
        String.raw`/add/:code(\d{6}).html`,
        { code: "000007" },
      ],
      [[String.raw`/add/:code(\d{6}).html`], "/add/0000071.html", none],
      [[String.raw`/add/:code(\d{6}).html`], "/add/x000007.html", none],
      [[String.raw`/add/:code(\d{6}).html`], "/add/000007xhtml", none],
      [[String.raw`/add/:code(\d{6}).html`], "/add/000007.html%0A", none],
      [["/:side(buy|sell)"], "/buyer", none],
      [["/:side(buy|sell)"], "/sell", "/:side(buy|sell)", { side: "sell" }],
      [["/:pair((?:[a-z]|:)+)"], "/a:b", "/:pair((?:[a-z]|:)+)", { pair: "a:b" }],
      [["/pages/:name.html"], "/pages/a.b.html", "/pages/:name.html", { name: "a.b" }],
      [["/pages/:name.html"], "/pages/.html", none],
      [["/:from-:to"], "/a-b-c", "/:from-:to", { from: "a", to: "b-c" }],
      [["/:base...:head"], "/v1.0...v2.0", "/:base...:head", { base: "v1.0", head: "v2.0" }],
      [["/:base...:head"], "/a....b", "/:base...:head", { base: "a", head: ".b" }],
      [["/:a--:b~~:c"], "/1-2--3~4~~5--6", "/:a--:b~~:c", { a: "1-2", b: "3~4", c: "5--6" }],
      // Integers are numbers, and each has one spelling.
      [["/:id<int>"], "/7", "/:id<int>", { id: 7 }],
      [["/:id<int>.html"], "/0.html", "/:id<int>.html", { id: 0 }],
      [["/:id<int>"], "/007", none],
      [["/:id<int>"], "/-7", none],
      [["/:id<int>"], "/1e3", none],
      [["/:id<int>"], "/9999999999999999", none],
      [["/:id", "/:id<int>"], "/7", "/:id<int>", { id: 7 }],
      // A pattern without a name is a parameter with a number.
      [[String.raw`/story/(\d+)-([a-z]+)`], "/story/7-x", String.raw`/story/(\d+)-([a-z]+)`, { 0: "7", 1: "x" }],
      // Wildcards take the rest.
      [["/files/*path"], "/files/a/b.txt", "/files/*path", { path: "a/b.txt" }],
      [["/files/*path"], "/files/", "/files/*path", { path: "" }],
      [["/files/*path"], "/files", none],
      // Text before pattern before parameter before wildcard, in whatever order they were registered.
      [["/*rest", "/:id", String.raw`/:n(\d+)`, "/7"], "/7", "/7"],
      [["/*rest", "/:id", String.raw`/:n(\d+)`, "/7"], "/8", String.raw`/:n(\d+)`, { n: "8" }],
      [["/*rest", "/:id", String.raw`/:n(\d+)`, "/7"], "/x", "/:id", { id: "x" }],
      [["/*rest", "/:id", String.raw`/:n(\d+)`, "/7"], "/x/y", "/*rest", { rest: "x/y" }],
      [["/:name(.+)", "/:name.html"], "/a.html", "/:name.html", { name: "a" }],
      [["/:digits([0-9]+)", "/:word([0-9a-z]+)"], "/7", "/:digits([0-9]+)", { digits: "7" }],
      // What leads nowhere is given up, and its captures with it.
      [["/:a/x", "/:b/:c/z"], "/1/2/z", "/:b/:c/z", { b: "1", c: "2" }],
      [["/users/me/edit", "/users/:id"], "/users/me", "/users/:id", { id: "me" }],
      [["/a/b/c", "/*rest"], "/a/b/d", "/*rest", { rest: "a/b/d" }],
      // A parameter may have the name of what every object has.
      [["/:constructor"], "/x", "/:constructor", { constructor: "x" }],
    ];

  test.each(cases.map(([routes, path, found, params = {}]) => ({ routes, path, found, params })))(
    "of the routes $routes: $path finds $found",
    ({ routes, path, found, params }) => {
      const match = routerOf(...routes).match("GET", path);
      expect(match).toEqual(found === null ? { kind: "none" } : { kind: "found", target: found, params });
    },
  );

  test.each([
    "/users/%",
    "/users/%zz",
    "/users/%C3%28",
    "/nowhere/%E8",
    "/users/..",
    "/users/../x",
    "/./users",
    "/users/%2e%2E",
    "/users/.%2e/x",
    "/users/a%2Eb",
    "/%75sers/7",
    "/users/%37",
    "/users/%5F",
    "/users/%7e",
    "/users/%2D",
    "/users/%41",
    "/users/a\\b",
    "/users/a#b",
    "/users/a b",
    "/users/a	b",
    "/users/",
  ])("%j is malformed", (path) => {
    expect(routerOf("/users/:id").match("GET", path)).toEqual({ kind: "malformed" });
  });
});

describe("a method", () => {
  const router = routerOf("/users", "POST /users", "/users/me", "DELETE /users/:id", "HEAD /own", "/own", "PUT /put");

  test.each([
    ["GET", "/users", "/users"],
    ["POST", "/users", "POST /users"],
    ["HEAD", "/users", "/users"],
    ["HEAD", "/own", "HEAD /own"],
    // The better path lacks the method, the next one has it.
    ["DELETE", "/users/me", "DELETE /users/:id"],
  ])("%s %s finds %s", (method, path, target) => {
    expect(router.match(method, path)).toMatchObject({ kind: "found", target });
  });

  test.each([
    ["PUT", "/users", ["GET", "HEAD", "OPTIONS", "POST"]],
    ["PUT", "/users/me", ["DELETE", "GET", "HEAD", "OPTIONS"]],
    ["HEAD", "/put", ["OPTIONS", "PUT"]],
    ["get", "/users", ["GET", "HEAD", "OPTIONS", "POST"]],
  ])("%s %s has the wrong method", (method, path, allow) => {
    expect(router.match(method, path)).toEqual({ kind: "method", allow });
  });

  test("lists them all for the whole of the server", () => {
    expect(router.methods).toEqual(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
  });
});

describe("a route is refused", () => {
  test.each([
    "",
    "users",
    "/a?b",
    "/a#b",
    "/a%20b",
    "/a\\b",
    "/a)b",
    "/a(b",
    "//a",
    "/:id<float>",
    "/:a(\\d+)/:a",
    "/:",
    "/:1",
    "/*",
    "/a*b",
    "/*a/b",
    "/*a.b",
    "/:a:b",
    "/:a/:a",
    "/:a(b",
    "/:a([)",
    "/:a((b))",
    "/:a(?)",
    "/../a",
    "/a/.",
  ])("as invalid: %s", (path) => {
    expect(codeOf(() => routerOf(path))).toBe("ROUTE_PATH_INVALID");
  });

  test.each([
    [["/a", "/a"]],
    [["/:a", "/:b"]],
    [["/x/*a", "/x/*b"]],
    [["/:a.html", "/:b.html"]],
    [[String.raw`/:a(\d+)`, String.raw`/:b(\d+)`]],
  ])("as matching the same requests as another one: %j", (paths) => {
    expect(codeOf(() => routerOf(...paths))).toBe("ROUTE_CONFLICT");
  });

  test("with the places of both routes", () => {
    const router = new Router<number>();
    router.add("GET", "/:a", 1, { place: () => "src/a.ts:7" });
    expect(() => {
      router.add("GET", "/:b", 2, { place: () => "src/b.ts:9" });
    }).toThrow("GET /:b (src/b.ts:9) matches the same requests as /:a (src/a.ts:7)");
  });

  test("with the place and the reason", () => {
    expect(() => routerOf("/users/:id:name")).toThrow(
      'The route path /users/:id:name is invalid at character 11: nothing marks the end of "id": put a character between, or give it a pattern',
    );
  });

  test("for a name that another path has", () => {
    const router = new Router<number>();
    router.add("GET", "/a", 1, { name: "a" });
    router.add("POST", "/a", 2, { name: "a" });
    expect(codeOf(() => router.add("GET", "/b", 3, { name: "a" }))).toBe("ROUTE_NAME_CONFLICT");
  });
});

describe("urlFor", () => {
  const urlFor = (path: string, params?: Record<string, string | number>): string => {
    const router = new Router<null>();
    router.add("GET", path, null, { name: "it" });
    return router.urlFor("it", params);
  };

  test.each([
    ["/", {}, "/"],
    ["/a b/股", {}, "/a%20b/%E8%82%A1"],
    ["/users/:id", { id: 7 }, "/users/7"],
    ["/users/:id", { id: "a/b?c#d%" }, "/users/a%2Fb%3Fc%23d%25"],
    [String.raw`/add/:code(\d{6}).html`, { code: "000007" }, "/add/000007.html"],
    ["/files/*path", { path: "a b/c" }, "/files/a%20b/c"],
    ["/files/*path", { path: "" }, "/files/"],
    ["/:from-:to", { from: "a", to: "b-c" }, "/a-b-c"],
    ["/:id<int>", { id: 7 }, "/7"],
    ["/:id", { id: 0 }, "/0"],
    ["/x/*path", { path: "a//b" }, "/x/a//b"],
    ["/:path", { path: String.raw`\\evil.example` }, "/%5C%5Cevil.example"],
  ])("%s with %j is %s", (path, params, url) => {
    expect(urlFor(path, params)).toBe(url);
  });

  test.each([
    ["/users/:id", {}],
    ["/users/:id", { id: "" }],
    ["/users/:id", { id: ".." }],
    ["/users/:id", { id: "\uD800" }],
    ["/users/:id", { id: "1", extra: "2" }],
    ["/:constructor", {}],
    [String.raw`/add/:code(\d{6}).html`, { code: "7" }],
    ["/:from-:to", { from: "a-b", to: "c" }],
    ["/files/*path", { path: "../secret" }],
    // Such a URL names another site.
    ["/*path", { path: "/evil.example" }],
    ["/*path", { path: "//evil.example/x" }],
    ["/users/:id", { id: undefined }],
    ["/users/:id", { id: null }],
    ["/users/:id", { id: Number.NaN }],
    ["/users/:id", { id: Number.POSITIVE_INFINITY }],
    ["/users/:id", { id: {} }],
    ["/users/:id", { id: ["1"] }],
    ["/users/:id", { id: true }],
    ["/:id<int>", { id: 1.5 }],
    ["/:id<int>", { id: -1 }],
    ["/files/*path", { path: undefined }],
  ])("%s does not take %j", (path, params) => {
    expect(codeOf(() => urlFor(path, params as never))).toBe("ROUTE_PARAM_INVALID");
  });

  test("adds a query, where undefined is left out and an array repeats the field", () => {
    const router = new Router<null>();
    router.add("GET", "/", null, { name: "it" });
    expect(router.urlFor("it", {}, { a: "x y&", b: 1, c: undefined, d: ["1", "2"], e: false })).toBe(
      "/?a=x+y%26&b=1&d=1&d=2&e=false",
    );
    for (const value of [null, Number.NaN, {}, [undefined]]) {
      expect(codeOf(() => router.urlFor("it", {}, { a: value as never }))).toBe("ROUTE_PARAM_INVALID");
    }
  });

  test("refuses a name that two tables gave to two paths", () => {
    const router = new Router<null>();
    router.add("GET", "/a", null, { name: "it", sharesName: true, place: () => "a.ts:1" });
    router.add("GET", "/b", null, { name: "it", sharesName: true, place: () => "b.ts:2" });
    expect(() => router.urlFor("it")).toThrow('Two paths have the name "it": /a (a.ts:1) and /b (b.ts:2)');
  });

  test("does not know a name that was never given", () => {
    expect(codeOf(() => new Router<null>().urlFor("nope"))).toBe("ROUTE_NAME_UNKNOWN");
  });
});

test("a URL that can be built is read back as it was given", () => {
  const router = new Router<string>();
  const shapes = [
    "/plain/:a",
    "/text/:a.html",
    "/two/:a-:b",
    "/deep/:a/x/:b",
    "/digits/:a([0-9]+)z",
    "/rest/:a/*b",
    "/*a",
  ];
  for (const shape of shapes) router.add("GET", shape, shape, { name: shape });
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.nat().map(String),
    fc.constantFrom("/", "%2F", "-", "a-b"),
  );
  let built = 0;
  fc.assert(
    fc.property(fc.constantFrom(...shapes), value, value, (shape, a, b) => {
      const params = shape.includes("b") && !shape.startsWith("/plain") ? { a, b } : { a };
      let url: string;
      try {
        url = router.urlFor(shape, params);
      } catch (error) {
        expect(error).toMatchObject({ code: "ROUTE_PARAM_INVALID" });
        return;
      }
      built += 1;
      expect(url).toMatch(/^\/[\w\-.!~*'()%/]*$/);
      expect(router.match("GET", url)).toEqual({ kind: "found", target: shape, params });
      const { origin, pathname } = new URL(url, "http://localhost");
      expect(origin).toBe("http://localhost");
      expect(router.match("GET", pathname)).toMatchObject({ kind: "found", params });
    }),
    { numRuns: 300 },
  );
  expect(built).toBeGreaterThan(50);
});

test("a path that is found is found by every reading of its URL", () => {
  const router = routerOf("/admin/*rest", "/admin", "/:a", "/:a/:b", "/x.html", "/*rest");
  const piece = fc.oneof(
    fc.constantFrom(
      "/",
      ".",
      "..",
      "%2e",
      "%2E",
      "\\",
      "%5c",
      "%2f",
      "admin",
      "%61dmin",
      "x.html",
      "%",
      "?",
      "#",
      " ",
      "\t",
    ),
    fc.string({ maxLength: 3 }),
    fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, "0")}`),
  );
  let found = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const path = pathOf(`http://localhost/${pieces.join("")}`);
      const match = router.match("GET", path);
      if (match.kind !== "found") return;
      found += 1;
      expect(router.match("GET", new URL(`http://localhost${path}`).pathname)).toEqual(match);
    }),
    { numRuns: 2000 },
  );
  expect(found).toBeGreaterThan(100);
});
