import { createTestClient } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { App, del, get, on, patch, post, put, route, type Context } from "./index.ts";

class UserPages {
  readonly #greeting: string;

  constructor(greeting: string) {
    this.#greeting = greeting;
  }

  @get("/users/:id", { name: "user" })
  show({ params }: Context<"/users/:id">): string {
    return `${this.#greeting} ${params.id}`;
  }

  @get("/")
  @get("/index.html")
  async index(context: Context): Promise<object> {
    return { url: context.urlFor("user", { id: 1 }) };
  }

  @post("/users")
  @put("/users")
  @patch("/users")
  @del("/users")
  @on(route("QUERY /users"))
  change({ request }: Context): string {
    return request.method;
  }

  @get("/private")
  #hidden(): string {
    return `${this.#greeting} hidden`;
  }

  callHidden(): string {
    return this.#hidden();
  }
}

class LoudUserPages extends UserPages {
  override show(context: Context<"/users/:id">): string {
    return `${super.show(context)}!`;
  }
}

describe("decorated methods", () => {
  test("handle requests with their object", async () => {
    const app = new App();
    app.register(new UserPages("hello"));
    await using client = await createTestClient(app);
    expect((await client.request("/users/7")).text()).toBe("hello 7");
    expect((await client.request("/private")).text()).toBe("hello hidden");
  });

  test("take several routes and every method", async () => {
    const app = new App();
    app.register(new UserPages("hello"));
    await using client = await createTestClient(app);
    for (const path of ["/", "/index.html"]) expect((await client.request(path)).json()).toEqual({ url: "/users/1" });
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "QUERY"]) {
      expect((await client.request("/users", { method })).text()).toBe(method);
    }
  });

  test("remain ordinary methods", () => {
    expect(new UserPages("hello").show({ params: { id: "7" } } as Context<"/users/:id">)).toBe("hello 7");
    expect(new UserPages("hello").callHidden()).toBe("hello hidden");
  });

  test("use the schemas, needs and status of a route value", async () => {
    const made = route("POST /made/:id<int>", {
      json: z.object({ name: z.string() }),
      needs: { me: async () => "me" },
      response: z.object({ id: z.number(), name: z.string() }),
      status: 201,
    });
    class Pages {
      @on(made)
      create({ params, json, me }: Context<typeof made>): { id: number; name: string } {
        return Object.assign({ id: params.id, name: `${json.name} of ${me}` }, { secret: 1 });
      }
    }
    const app = new App();
    app.register(new Pages());
    await using client = await createTestClient(app);
    const post = (body: string) =>
      client.request("/made/7", { method: "POST", headers: { "content-type": "application/json" }, body });
    const good = await post('{"name":"x"}');
    expect([good.status, good.json()]).toEqual([201, { id: 7, name: "x of me" }]);
    expect((await post("{}")).status).toBe(422);
  });

  test("may be overridden, and each object has its own", async () => {
    const [plain, loud] = [new App(), new App()];
    plain.register(new UserPages("hello"));
    loud.register(new LoudUserPages("hey"));
    await using plainClient = await createTestClient(plain);
    await using loudClient = await createTestClient(loud);
    expect((await loudClient.request("/users/7")).text()).toBe("hey 7!");
    expect((await plainClient.request("/users/7")).text()).toBe("hello 7");
  });

  test("may be overridden and decorated again: the same route is replaced, another one is added", async () => {
    class Base {
      @get("/x")
      x(): string {
        return "base x";
      }
      @get("/y")
      y(): string {
        return "base y";
      }
    }
    class Sub extends Base {
      @get("/x")
      override x(): string {
        return "sub x";
      }
      @get("/z")
      override y(): string {
        return "sub y";
      }
    }
    const app = new App();
    app.register(new Sub());
    await using client = await createTestClient(app);
    const texts = [];
    for (const path of ["/x", "/y", "/z"]) texts.push((await client.request(path)).text());
    expect(texts).toEqual(["sub x", "sub y", "sub y"]);
  });

  test("of one class conflict where two have the same route", () => {
    class Twice {
      @get("/x")
      a(): string {
        return "";
      }
      @get("/x")
      b(): string {
        return "";
      }
    }
    expect(() => {
      new App().register(new Twice());
    }).toThrow(/^GET \/x \(\S+decorators\.test\.ts:\d+\) matches the same requests as \/x \(\S+:\d+\)$/);
  });
});

class Plain {
  name = "plain";
}

describe("register", () => {
  test.each<readonly [string, unknown, string]>([
    ["an object without routes", new Plain(), "this Plain has none"],
    ["an object without a prototype", Object.create(null), "this object has none"],
    ["a class", UserPages, "write app.register(new UserPages(…))"],
    ["undefined", undefined, "undefined has none"],
    ["null", null, "null has none"],
    ["text", "x", "x has none"],
  ])("refuses %s with a sentence", (_title, value, message) => {
    const register = () => {
      new App().register(value as object);
    };
    expect(register).toThrow(expect.objectContaining({ name: "RouteError", code: "ROUTE_NONE" }));
    expect(register).toThrow(message);
  });
});

describe("a decorator refuses", () => {
  const decorate = get("/") as unknown as (...args: readonly unknown[]) => unknown;

  test.each<readonly [string, readonly unknown[], string]>([
    ["legacy decorators of methods", [{}, "x", {}], 'remove "experimentalDecorators" from tsconfig.json'],
    ["legacy decorators of classes", [Plain], 'remove "experimentalDecorators" from tsconfig.json'],
    ["a class", [Plain, { kind: "class", name: "Plain" }], "not a class"],
    ["a field", [undefined, { kind: "field", name: "a", static: false }], "not a field"],
    ["a static method", [() => "", { kind: "method", name: "a", static: true }], "not a static method"],
  ])("%s", (_title, args, message) => {
    expect(() => decorate(...args)).toThrow(expect.objectContaining({ code: "ROUTE_DECORATOR_INVALID" }));
    expect(() => decorate(...args)).toThrow(message);
  });
});
