/**
 * Routes as standard decorators (TC39; no `experimentalDecorators`): `@get("/users/:id")` above a method notes a route for each
 * object of the class, and leaves the method as it is; `app.register(object)` adds them.
 */
import type { Awaitable } from "@tsgi/gateway-spec";
import type { Context } from "./context.ts";
import { RouteError } from "./errors.ts";
import type { HandlerResult } from "./results.ts";
import type { Route, RouteOptions } from "./route.ts";
import type { PathParams } from "./router/params.ts";

/** Fits a method whose context does not ask for more than the path gives. */
export type RouteDecorator<Path extends string> = <This extends object>(
  method: (this: This, context: Context<PathParams<Path>>) => Awaitable<HandlerResult>,
  decorated: ClassMethodDecoratorContext<
    This,
    (this: This, context: Context<PathParams<Path>>) => Awaitable<HandlerResult>
  >,
) => void;

export function get<const Path extends string>(path: Path, options?: RouteOptions): RouteDecorator<Path> {
  return route("GET", path, options);
}

export function post<const Path extends string>(path: Path, options?: RouteOptions): RouteDecorator<Path> {
  return route("POST", path, options);
}

export function put<const Path extends string>(path: Path, options?: RouteOptions): RouteDecorator<Path> {
  return route("PUT", path, options);
}

export function patch<const Path extends string>(path: Path, options?: RouteOptions): RouteDecorator<Path> {
  return route("PATCH", path, options);
}

/** DELETE: `delete` is a word of the language. */
export function del<const Path extends string>(path: Path, options?: RouteOptions): RouteDecorator<Path> {
  return route("DELETE", path, options);
}

/** For any method. */
export function route<const Path extends string>(
  method: string,
  path: Path,
  options: RouteOptions = {},
): RouteDecorator<Path> {
  return (_method, decorated) => {
    decorated.addInitializer(function () {
      // Read when the request comes, so that a subclass may override the method.
      const handler = (context: Context<PathParams<Path>>) => decorated.access.get(this).call(this, context);
      const routes = routesOf.get(this) ?? [];
      // A route of a wider path type: whoever calls it matches its own path.
      routesOf.set(this, [...routes, { ...options, method, path, handler: handler as Route["handler"] }]);
    });
  };
}

/** The routes of an object's decorated methods. @throws RouteError `ROUTE_NONE` */
export function decoratedRoutes(instance: object): readonly Route[] {
  const routes = routesOf.get(instance);
  if (routes !== undefined) return routes;
  throw new RouteError("ROUTE_NONE", `${instance.constructor.name} has no method with a route decorator`);
}

const routesOf = new WeakMap<object, readonly Route[]>();
