/**
 * Routes as values, with method, path and schemas, without a handler. Functions, decorators, tables, clients and documents all take
 * such values. Nothing here imports Node's modules, so a browser may have it.
 *
 * @module @tsgi/framework/route
 */
import { RouteValue, splitLine } from "./route-value.ts";
import type { CheckedOptions, Route, RouteOptions, RouteTable } from "./types.ts";

export { RouteError, type RouteErrorCode } from "./router/route-error.ts";
export type { PathParams } from "./router/params.ts";
export type { Need, Route, RouteOptions, RouteTable } from "./types.ts";
export type { Fields, InputOf, OutputOf, Schema } from "./validation/schema.ts";

/**
 * A route: `route("GET /users/:id<int>", { query: { page: z.coerce.number().default(1) }, response: User })`.
 * @throws RouteError `ROUTE_PATH_INVALID`, `ROUTE_OPTIONS_INVALID`
 */
export function route<const Method extends string, const Path extends string, const Options extends RouteOptions = {}>(
  line: `${Method} ${Path}`,
  options?: Options & CheckedOptions<Path, Options>,
): Route<Method, Path, Options> {
  const [method, path] = splitLine(line);
  return new RouteValue(method as Method, path as Path, (options ?? {}) as Options);
}

/** A table of named routes: `routes({ index: "GET /index.html", show: route("GET /stocks/:code", …) })`. @throws RouteError */
export function routes<
  const T extends {
    readonly [name: string]: `${string} /${string}` | { readonly method: string; readonly path: string };
  },
>(table: T): RouteTable<T> {
  const entries = Object.entries(table).map(([name, entry]) => [
    name,
    typeof entry === "string" ? route(entry) : entry,
  ]);
  return Object.fromEntries(entries) as RouteTable<T>;
}
