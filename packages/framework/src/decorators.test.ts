import { createTestClient } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { App, del, get, on, patch, post, put, route, type Context } from "./index.ts";

class UserPages {
  readonly #greeting: string;

  constructor(greeting: string) {
    this.#greeting = greeting;
  }

  @get("/users/:id", { name: "user" })
  show({ params }: Context<{ id: string }>): string {
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
  override show(context: Context<{ id: string }>): string {
    return `${super.show(context)}!`;
  }
}

describe("decorated methods", () => {
  test("answer with their object", async () => {
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

  test("stay what they were", () => {
    expect(new UserPages("hello").show({ params: { id: "7" } } as Context<{ id: string }>)).toBe("hello 7");
    expect(new UserPages("hello").callHidden()).toBe("hello hidden");
  });

  test("may be overridden, and two objects do not meet", async () => {
    const [plain, loud] = [new App(), new App()];
    plain.register(new UserPages("hello"));
    loud.register(new LoudUserPages("hey"));
    await using plainClient = await createTestClient(plain);
    await using loudClient = await createTestClient(loud);
    expect((await loudClient.request("/users/7")).text()).toBe("hey 7!");
    expect((await plainClient.request("/users/7")).text()).toBe("hello 7");
  });

  test("are missed where an object has none", () => {
    expect(() => new App().register(new Map())).toThrow(expect.objectContaining({ code: "ROUTE_NONE" }));
  });
});

export class DoesNotCompile {
  // @ts-expect-error -- the path has no parameter "id"
  @get("/users")
  missing(context: Context<{ id: string }>): string {
    return context.params.id;
  }

  // @ts-expect-error -- the parameter is called "code"
  @get("/add/:code(\\d{6}).html")
  otherName(context: Context<{ id: string }>): string {
    return context.params.id;
  }

  // @ts-expect-error -- parameters are text
  @get("/users/:id")
  otherType(context: Context<{ id: number }>): string {
    return String(context.params.id);
  }

  // @ts-expect-error -- nothing is returned
  @get("/nothing")
  nothing(): void {}
}
