/**
 * Routes as standard decorators (TC39): `@on(show)` or `@get("/users/:id")` above a method registers a route for each object of
 * the class and leaves the method as it is; `app.register(object)` adds the routes.
 */
import type { Awaitable } from "@tsgi/gateway-spec";
import { route } from "./route.ts";
import { callerPlace, type Place } from "./router/place.ts";
import { RouteError } from "./router/route-error.ts";
import type { CheckedOptions, Given, ResultOf, Route, RouteContext, RouteOptions } from "./types.ts";

/**
 * Fits a method whose context asks for no more than the route gives, and whose result is the route's. The state is `never` here
 * so that a method may name the state of its application: `Context<typeof show, State>`. The class is not part of the type: it
 * would cost the compiler 40% more (framework design §9.4).
 */
export type RouteDecorator<Path extends string, Options> = (
  method: (context: RouteContext<Path, Options, never> & Given<Options>) => Awaitable<ResultOf<Options>>,
  decorated: ClassMethodDecoratorContext,
) => void;

/** Makes a method the handler of a route value. */
export function on<Method extends string, Path extends string, Options>(
  route: Route<Method, Path, Options>,
): RouteDecorator<Path, Options> {
  const place = callerPlace();
  return (_method, decorated) => {
    assertMethod(decorated ?? {});
    decorated.addInitializer(function (this: unknown) {
      const object = this as object;
      const access = decorated.access as { get(object: object): (context: unknown) => unknown };
      // Read when the request comes: a subclass may override the method.
      const handler = (context: unknown) => access.get(object).call(object, context);
      noteRoute(object, { route: route as unknown as Route, handler, place, member: decorated.name });
    });
  };
}

type Decorate = <const Path extends string, const Options extends RouteOptions = {}>(
  path: Path,
  options?: Options & CheckedOptions<Path, Options>,
) => RouteDecorator<Path, Options>;

/** A method as the handler of GET requests: `@get("/users/:id")`. HEAD is handled too. */
export const get: Decorate = shorthand("GET");
/** A method as the handler of POST requests. */
export const post: Decorate = shorthand("POST");
/** A method as the handler of PUT requests. */
export const put: Decorate = shorthand("PUT");
/** A method as the handler of PATCH requests. */
export const patch: Decorate = shorthand("PATCH");
/** DELETE: `delete` is a reserved word. */
export const del: Decorate = shorthand("DELETE");

function shorthand(method: string): Decorate {
  return (path, options) => on(route(`${method} ${path}`, options) as never);
}

/** A route of an object's decorated method. */
export interface DecoratedRoute {
  readonly route: Route;
  readonly handler: (context: unknown) => unknown;
  readonly place: Place;
  readonly member: string | symbol;
}

/** The routes of an object's decorated methods. @throws RouteError `ROUTE_NONE` */
export function decoratedRoutes(instance: unknown): readonly DecoratedRoute[] {
  const routes = typeof instance === "object" && instance !== null ? routesOf.get(instance) : undefined;
  if (routes !== undefined) return routes;
  if (typeof instance === "function") {
    throw new RouteError(
      "ROUTE_NONE",
      `register takes an object of the class: write app.register(new ${instance.name}(…))`,
    );
  }
  throw new RouteError("ROUTE_NONE", `register takes an object with decorated methods: ${nameOf(instance)} has none`);
}

const routesOf = new WeakMap<object, readonly DecoratedRoute[]>();

/** A method that a subclass overrides and decorates again with the same route takes the place of the inherited one. */
function noteRoute(object: object, added: DecoratedRoute): void {
  const isPrivate = typeof added.member === "string" && added.member.startsWith("#");
  const kept = (routesOf.get(object) ?? []).filter(
    ({ route, member }) =>
      isPrivate || member !== added.member || route.method !== added.route.method || route.path !== added.route.path,
  );
  routesOf.set(object, [...kept, added]);
}

function assertMethod(decorated: unknown): asserts decorated is ClassMethodDecoratorContext {
  const { kind, static: isStatic = false } = decorated as { readonly kind?: string; readonly static?: boolean };
  if (kind === "method" && !isStatic) return;
  const reason =
    kind === undefined
      ? 'this one was called in the legacy form: remove "experimentalDecorators" from tsconfig.json'
      : `decorate a method of the class, not a ${isStatic ? "static " : ""}${kind}`;
  throw new RouteError("ROUTE_DECORATOR_INVALID", `Route decorators are standard decorators of methods; ${reason}`);
}

function nameOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { constructor: owner } = value as { readonly constructor?: unknown };
  return typeof owner === "function" ? `this ${owner.name}` : "this object";
}
