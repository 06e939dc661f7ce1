/**
 * The compiler is the test: what is inferred for handlers, and mistakes that other frameworks find at run time. Each
 * `@ts-expect-error` is an error of its own where the line below it compiles.
 */
import type { Exchange } from "@tsgi/gateway-spec";
import { z } from "zod";
import {
  App,
  get,
  on,
  route,
  routes,
  withStatus,
  type BareContext,
  type Context,
  type HandlerContext,
  type RouteHandler,
} from "./index.ts";
import { compression } from "./middleware/compression.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_T extends true>(): void => undefined;

const Stock = z.object({ code: z.string(), short: z.string(), price: z.string(), note: z.string().nullable() });
const signedIn = async (_context: BareContext) => ({ id: 1, role: "admin" as const });

const api = routes({
  stocks: route("GET /api/stocks", { query: { page: z.coerce.number().int().default(1) }, response: z.array(Stock) }),
  follow: route("POST /api/stocks/:code(\\d{6})/follow", { json: z.object({ note: z.string() }), response: Stock }),
  show: route("GET /stocks/:id<int>", { needs: { me: signedIn }, response: Stock }),
});
const byStatus = route("GET /items/:id", { response: { 200: Stock, 404: z.object({ reason: z.string() }) } });
const pages = routes({ index: "GET /index.html", login: "GET /login.html" });
const stock = { code: "", short: "", price: "", note: null };

/** Never called. */
export function infers(app: App): void {
  app.get("/users/:id<int>", { needs: { me: signedIn }, query: { tag: z.array(z.string()).optional() } }, (context) => {
    same<Same<typeof context.params, { readonly id: number }>>();
    same<Same<typeof context.query.tag, string[] | undefined>>();
    same<Same<typeof context.me.role, "admin">>();
    return { id: context.params.id };
  });
  app.get("/any/:path", (context: Context) => context.request.url);
  app.on(api.follow, ({ params, json }) => {
    same<Same<typeof params.code, string>>();
    same<Same<typeof json.note, string>>();
    return { ...stock, note: json.note };
  });
  app.on(byStatus, async ({ params }) => (params.id === "0" ? withStatus(404, { reason: "" }) : stock));
  app.on(pages, { index: ({ urlFor }) => urlFor(api.show, { id: 7 }), login: () => pages.index.url() });
  const area = app.group("/admin/:team", { needs: { me: signedIn } });
  area.get("/users/:id<int>", ({ params, me }) => {
    same<Same<typeof params, { readonly team: string; readonly id: number }>>();
    return me.role;
  });
  const made = area.route("GET /made/:n<int>", { query: { q: z.string() } });
  made.url({ team: "a", n: 1 }, { q: "x" });
  app.on(made, ({ params, query, me }) => ({ n: params.n + me.id, q: query.q.trim() }));
  app.handle(
    ["/story/(\\d+)", "/stories/:id"],
    class {
      readonly #title: string;
      constructor(_context: HandlerContext, title: string) {
        this.#title = title;
      }
      get(id: string): string {
        return `${this.#title} ${id}`;
      }
    },
    "title",
  );
}

/** Routes may name each other, since a route's type does not depend on its handler. */
const first = route("GET /first", { response: z.object({ next: z.string() }) });
const second = route("GET /second", { response: z.object({ next: z.string() }) });

export class Pages {
  @on(first)
  first(_context: Context<typeof first>): { next: string } {
    return { next: second.url() };
  }

  @on(api.show)
  async show({ params, me }: Context<typeof api.show>): Promise<z.input<typeof Stock>> {
    same<Same<typeof params.id, number>>();
    return { ...stock, code: String(params.id + me.id) };
  }

  @get("/inline/:id<int>")
  inline({ params }: Context<"/inline/:id<int>">): string {
    return String(params.id + 1);
  }

  @get("/named/:id")
  named({ params }: Context<{ id: string }>): string {
    return params.id;
  }

  @get("/state")
  state({ exchange }: Context<"/state", { readonly name: string }>): string {
    return exchange.state.name;
  }

  follow: RouteHandler<typeof api.follow> = ({ params }) => ({ ...stock, code: params.code });
}

interface State {
  readonly db: { all(): string[] };
}
const db = ({ exchange }: { readonly exchange: Exchange<State> }): State["db"] => exchange.state.db;
const listed = route("GET /list/:id<int>", { needs: { db, now: () => Date.now() } });

/** Never called. */
export function state(app: App<State>, wider: App<{ readonly db: State["db"]; readonly more: 1 }>): void {
  app.on(listed, ({ db, now, params, exchange }) => [...db.all(), String(now + params.id), ...exchange.state.db.all()]);
  wider.on(listed, ({ db }) => db.all());
  app.get("/", { needs: { db } }, ({ db }) => db.all());
  app.group("/a", { needs: { db } }).get("/b", { needs: { more: db } }, ({ db, more }) => [...db.all(), ...more.all()]);
}

/** Rows of the database are `readonly`, at every depth, and are a result like others. Never called. */
export function readonlyResults(app: App, stocks: readonly z.infer<typeof Stock>[]): void {
  app.get("/a", { response: z.array(Stock) }, () => stocks);
  app.get("/a", { response: z.object({ stocks: z.array(Stock), more: z.unknown() }) }, () => ({ stocks, more: null }));
  // @ts-expect-error -- an item that lacks a field
  app.get("/a", { response: z.array(Stock) }, (_context) => stocks.map(({ code }) => ({ code })));
}

/** Never called: each is a mistake. */
export function mistakes(app: App, other: App<{ readonly other: 1 }>): void {
  // @ts-expect-error -- the path has no such parameter
  app.get("/a/:id", ({ params }) => params.idd);
  // @ts-expect-error -- a schema for a parameter that the path does not have
  app.get("/a/:id", { params: { idd: z.string() } }, () => "");
  // @ts-expect-error -- the same in a route value
  route("GET /a/:id", { params: { idd: z.string() } });
  // @ts-expect-error -- a query field that the route does not declare
  app.get("/a", { query: { page: z.coerce.number() } }, ({ query }) => String(query.pagee));
  // @ts-expect-error -- a query value of another type
  app.get("/a", { query: { page: z.coerce.number() } }, ({ query }) => query.page.trim());
  // @ts-expect-error -- a response that lacks a field
  app.get("/a", { response: Stock }, (_context) => ({ code: "", short: "", price: "" }));
  // @ts-expect-error -- a response field of another type
  app.get("/a", { response: Stock }, (_context) => ({ code: "", short: "", price: 1, note: null }));
  // @ts-expect-error -- the content of a route that declares none
  app.post("/a", ({ json }) => json.name);
  // @ts-expect-error -- the form of a route that declares none
  app.post("/a", ({ form }) => form.name);
  // @ts-expect-error -- a need with the name of a member of the context
  route("POST /", { needs: { form: signedIn } });
  // @ts-expect-error -- the same in a shorthand
  app.get("/", { needs: { form: signedIn } }, () => "");
  // @ts-expect-error -- a result of a status that lacks a field
  app.on(byStatus, () => withStatus(404, {}));
  // @ts-expect-error -- a result of a status that the route does not declare
  app.on(byStatus, () => withStatus(410, { reason: "" }));
  // @ts-expect-error -- a plain result is that of the usual status
  app.on(byStatus, () => ({ reason: "" }));
  // @ts-expect-error -- something that the route does not need
  app.get("/a", ({ me }) => me.id);
  // @ts-expect-error -- a forgotten handler
  app.on(pages, { index: () => "" });
  // @ts-expect-error -- a handler of a route that the table does not have
  app.on(pages, { index: () => "", login: () => "", logout: () => "" });
  // @ts-expect-error -- a mistyped parameter in a table
  app.on(api, { ...new Pages(), stocks: () => [], show: ({ params }) => params.idd });
  // @ts-expect-error -- a URL without its parameter
  api.follow.url();
  // @ts-expect-error -- a URL parameter of another type
  api.show.url({ id: "x" });
  // @ts-expect-error -- an unknown query field of a URL
  api.stocks.url({}, { pages: 2 });
  // @ts-expect-error -- undefined is no parameter
  api.follow.url({ code: undefined });
  // @ts-expect-error -- nothing is returned
  app.get("/a", () => {});
  // @ts-expect-error -- a number is returned
  app.get("/a", () => 7);
  // @ts-expect-error -- a context of another path
  app.get("/users/:name", (context: Context<"/users/:id">) => context.params.id);
  // @ts-expect-error -- a need that asks for another state
  other.on(listed, () => "");
  // @ts-expect-error -- the same in a table
  other.on({ listed }, { listed: () => "" });
  // @ts-expect-error -- the same in a group
  other.group("/a", { needs: { db } });
  // @ts-expect-error -- the same in a route of a group
  other.group("/a").get("/b", { needs: { db } }, () => "");
  // @ts-expect-error -- the same in a shorthand
  other.get("/", { needs: { db } }, () => "");
  // @ts-expect-error -- an argument that the constructor does not take
  app.handle("/a", class { get(): string { return ""; } }, 7); // prettier-ignore
  // @ts-expect-error -- an object in place of a class
  app.handle("/a", { get: () => "" });
  // @ts-expect-error -- a route lies: GET of what is not a route
  app.on({ index: "GET /" }, { index: () => "" });
  // @ts-expect-error -- a line without a method
  route("/a");
}

export class Mistakes {
  // @ts-expect-error -- a decorated method for another path
  @on(api.follow)
  follow(context: Context<"/x/:id">): object {
    return { ...stock, code: context.params.id };
  }

  // @ts-expect-error -- a decorated method with another result
  @on(api.follow)
  result(_context: Context<typeof api.follow>): object {
    return { code: "" };
  }

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

  // @ts-expect-error -- the path gives a number
  @get("/inline/:id<int>")
  otherType(context: Context<{ id: string }>): string {
    return context.params.id;
  }

  // @ts-expect-error -- nothing is returned
  @get("/nothing")
  nothing(): void {}

  // @ts-expect-error -- a field whose result is another one
  wrong: RouteHandler<typeof api.follow> = ({ params }) => ({ code: params.code });
}

// Middleware for every application fits an application with a state.
new App<{ readonly db: string }>().use(compression());
new App<{ readonly db: string }>().use((next) => (request, exchange) => {
  same<Same<typeof exchange.state, { readonly db: string }>>();
  return next(request, exchange);
});
