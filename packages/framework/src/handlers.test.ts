import { createTestClient } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { App, HttpError, RequestHandler, type AppOptions, type HandlerContext } from "./index.ts";

function loggedApp(options: AppOptions = {}): { app: App; log: unknown[] } {
  const log: unknown[] = [];
  return { app: new App({ logger: { error: (line, error) => void log.push([line, error]) }, ...options }), log };
}

describe("a class handler", () => {
  test("is a new object for each request, with the arguments of handle", async () => {
    const objects = new Set<object>();
    class Story {
      readonly #context: HandlerContext;
      readonly #stories: ReadonlyMap<string, string>;
      constructor(context: HandlerContext, stories: ReadonlyMap<string, string>) {
        this.#context = context;
        this.#stories = stories;
        objects.add(this);
      }
      get(id: string): object {
        return { story: this.#stories.get(id), page: this.#context.query.get("page") };
      }
      async delete(): Promise<null> {
        return null;
      }
    }
    const app = new App();
    app.handle("/stories/:id", Story, new Map([["7", "Seven"]]));
    await using client = await createTestClient(app);
    expect((await client.request("/stories/7?page=2")).json()).toEqual({ story: "Seven", page: "2" });
    expect((await client.request("/stories/7", { method: "DELETE" })).status).toBe(204);
    expect((await client.request("/stories/7", { method: "HEAD" })).status).toBe(200);
    expect((await client.request("/stories/7", { method: "POST" })).headers.get("allow")).toBe(
      "DELETE, GET, HEAD, OPTIONS",
    );
    expect(objects.size).toBe(3);
  });

  test("takes several paths, and parameters in their order, with or without names", async () => {
    class Show {
      get(...params: string[]): object {
        return params;
      }
    }
    const app = new App();
    app.handle(["/story/(\\d+)-([a-z]+)", "/:year<int>/:slug", "/files/*path"], Show);
    await using client = await createTestClient(app);
    const get = async (path: string) => (await client.request(path)).json();
    expect(await get("/story/7-abc")).toEqual(["7", "abc"]);
    expect(await get("/2026/a%2Fb")).toEqual(["2026", "a/b"]);
    expect(await get("/files/a/b")).toEqual(["a/b"]);
  });

  test("inherits argument and arguments, which read the query and the form", async () => {
    class Search extends RequestHandler {
      get(): object {
        return { q: this.argument("q"), tags: this.arguments("tag"), page: this.argument("page", "1") };
      }
      post(): object {
        return this.get();
      }
    }
    const app = new App();
    app.handle("/search", Search);
    await using client = await createTestClient(app);
    expect((await client.request("/search?q=%20x%20&tag=a&tag=b")).json()).toEqual({
      q: "x",
      tags: ["a", "b"],
      page: "1",
    });
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    const post = await client.request("/search?tag=a", { method: "POST", headers, body: "q=y&tag=b&page=3" });
    expect(post.json()).toEqual({ q: "y", tags: ["a", "b"], page: "3" });
    const missing = await client.request("/search");
    expect([missing.status, missing.json()]).toMatchObject([400, { code: "ARGUMENT_MISSING" }]);
  });

  test("runs prepare first and onFinish once the response was sent, or was not", async () => {
    const events: string[] = [];
    class Traced extends RequestHandler {
      async prepare(): Promise<void> {
        events.push("prepare");
        if (this.context.query.has("refuse")) throw new HttpError(403, "REFUSED");
      }
      get(): string {
        events.push("get");
        return "";
      }
      onFinish(): void {
        events.push("finish");
      }
    }
    const app = new App();
    app.handle("/", Traced);
    const client = await createTestClient(app);
    expect((await client.request("/")).status).toBe(200);
    expect((await client.request("/?refuse")).status).toBe(403);
    await client.close();
    expect(events).toEqual(["prepare", "get", "finish", "prepare", "finish"]);
  });

  test("writes its errors by writeError, which keeps the status and the log", async () => {
    const { app, log } = loggedApp();
    const secret = new Error("secret");
    class Failing extends RequestHandler {
      get(): string {
        throw this.argument("how") === "known" ? new HttpError(409, "CONFLICT") : secret;
      }
      async writeError(error: HttpError): Promise<string | undefined> {
        if (this.argument("page", "") === "broken") throw new TypeError("broken page");
        return this.argument("page", "") === "none" ? undefined : `error ${error.status}`;
      }
    }
    app.handle("/", Failing);
    await using client = await createTestClient(app);
    const get = async (query: string) => {
      const response = await client.request(`/?${query}`);
      return [response.status, response.text()];
    };
    expect(await get("how=known")).toEqual([409, "error 409"]);
    expect(await get("how=unknown")).toEqual([500, "error 500"]);
    expect(await get("how=known&page=none")).toEqual([409, expect.stringContaining('"code":"CONFLICT"')]);
    expect(log).toEqual([["GET / failed with 500", secret]]);
    expect((await get("how=unknown&page=broken"))[0]).toBe(500);
    expect(log.slice(1)).toEqual([
      ["GET / failed with 500", secret],
      ["GET / failed with 500", expect.objectContaining({ message: "broken page" })],
    ]);
  });

  test("writeError sends a reply with the status of the error, without the header fields of the method", async () => {
    class Failing extends RequestHandler {
      get(): never {
        this.context.header("x-page", "1");
        throw new HttpError(404, "GONE");
      }
      writeError(error: HttpError): object {
        return this.context.reply(`error ${error.status}`);
      }
    }
    const app = new App();
    app.handle("/", Failing);
    await using client = await createTestClient(app);
    const response = await client.request("/");
    expect([response.status, response.text(), response.headers.get("x-page")]).toEqual([404, "error 404", null]);
  });

  test("must be a class with a method for a request method", () => {
    const app = new App();
    expect(() => {
      app.handle(
        "/",
        class {
          name = "no method";
        } as never,
      );
    }).toThrow("has none of the methods get, head, post");
    expect(() => {
      app.handle("/", { get: () => "" } as never);
    }).toThrow("handle takes a class, for it creates an object for each request");
  });
});
