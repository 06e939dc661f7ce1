import { fileURLToPath } from "node:url";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { App } from "./index.ts";
import { CONTEXT_NAMES } from "./context-names.ts";
import { route, routes } from "./route.ts";

describe("a route value", () => {
  const show = route("GET /users/:id<int>/:slug.html", { query: { page: z.coerce.number().optional() } });

  test("has its method, path and options", () => {
    const options = { status: 201 };
    expect(route("PURGE /a b/:id", options)).toMatchObject({ method: "PURGE", path: "/a b/:id", options });
  });

  test("builds URLs, also when url is taken out of it", () => {
    const { url } = show;
    expect(url({ id: 7, slug: "a/b" })).toBe("/users/7/a%2Fb.html");
    expect(url({ id: 7, slug: "a" }, { page: 2 })).toBe("/users/7/a.html?page=2");
    expect(url({ id: 7, slug: "a" }, {})).toBe("/users/7/a.html");
  });

  test.each<readonly [string, unknown, string]>([
    ["a fraction for an integer", { id: 1.5, slug: "a" }, '"id" does not match "1.5"'],
    ["a missing value", { id: 1 }, '"slug" is missing'],
    ["undefined", { id: 1, slug: undefined }, '"slug" is undefined'],
    ["an unknown parameter", { id: 1, slug: "a", more: 1 }, 'no parameter "more"'],
  ])("refuses %s for a URL", (_title, params, message) => {
    expect(() => show.url(params as never)).toThrow(expect.objectContaining({ code: "ROUTE_PARAM_INVALID" }));
    expect(() => show.url(params as never)).toThrow(message);
  });

  test.each(["/users", "GET users", "GET", "", "GE T /a", "G@T /a", "GET  /a", "get /a"])(
    "is refused for the line %j",
    (line) => {
      expect(() => route(line as never)).toThrow(expect.objectContaining({ code: "ROUTE_PATH_INVALID" }));
    },
  );
});

test("a table names its routes for urlFor, and an object of a class may handle them", async () => {
  const pages = routes({ index: "GET /", show: route("GET /stocks/:code", { status: 203 }) });
  class Pages {
    readonly #title = "Stocks";
    index(): object {
      return { title: this.#title };
    }
    show({ params, urlFor }: { params: { code: string }; urlFor: (name: string) => string }): object {
      return { code: params.code, index: urlFor("index") };
    }
  }
  const app = new App();
  app.on(pages, new Pages());
  await using client = await createTestClient(app);
  expect((await client.request("/")).json()).toEqual({ title: "Stocks" });
  const show = await client.request("/stocks/7");
  expect([show.status, show.json()]).toEqual([203, { code: "7", index: "/" }]);
  expect(app.urlFor("show", { code: "7" })).toBe("/stocks/7");
  expect(app.routes.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /", "GET /stocks/:code"]);
});

test("a need cannot have the name of a member of the context", async () => {
  const app = new App();
  let names: readonly string[] = [];
  app.get("/", (context) => {
    const prototype = Object.getPrototypeOf(context) as object;
    names = [...Object.keys(context), ...Object.getOwnPropertyNames(prototype)];
    return "";
  });
  await using client = await createTestClient(app);
  await client.request("/");
  expect(names.filter((name) => name !== "constructor").toSorted()).toEqual([...CONTEXT_NAMES].toSorted());
});

test.each(["route.ts", "client/index.ts"])("%s can be bundled for browsers, without Node's modules", async (file) => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
    logLevel: "silent",
  });
  expect(outputFiles[0]?.text).not.toMatch(/\bnode:|\brequire\(/);
});
