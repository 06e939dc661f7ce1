/** The class of route values. It imports nothing of Node. */
import { CONTEXT_NAMES } from "./context-names.ts";
import { buildPath, buildQuery, parsePath, type RoutePath } from "./router/path.ts";
import { RouteError } from "./router/route-error.ts";
import type { Route, RouteOptions, UrlArguments } from "./types.ts";
import { isSchema } from "./validation/schema.ts";

/** The value behind {@link Route}. */
export class RouteValue<Method extends string, Path extends string, Options> implements Route<Method, Path, Options> {
  readonly method: Method;
  readonly path: Path;
  readonly options: Options;
  readonly #path: RoutePath;

  constructor(method: Method, path: Path, options: Options) {
    this.method = method;
    this.path = path;
    this.options = options;
    this.#path = parsePath(path);
    checkOptions(this.#path, method, options as RouteOptions);
  }

  readonly url = (...[params, query]: UrlArguments<Path, Options>): string =>
    buildPath(this.#path, params ?? {}) + (query === undefined ? "" : buildQuery(this.#path, query));
}

/** Method and path of a line such as `GET /users`. The path of a route in a group may be empty. @throws RouteError */
export function splitLine(line: string): readonly [method: string, path: string] {
  const [, method = "", path = ""] = /^([!#$%&'+\-.^_`|~\w]+) (\/.*|)$/su.exec(line) ?? [];
  if (method === "" || method !== method.toUpperCase()) {
    throw new RouteError(
      "ROUTE_PATH_INVALID",
      `"${line}" is not a route: write a method in upper case, a space and a path that begins with a slash, such as "GET /users"`,
    );
  }
  return [method, path];
}

export function isRoute(value: unknown): value is Route {
  return value instanceof RouteValue;
}

function checkOptions(path: RoutePath, method: string, options: RouteOptions): void {
  const invalid = (reason: string) =>
    new RouteError("ROUTE_OPTIONS_INVALID", `The route ${method} ${path.source} is invalid: ${reason}`);
  const { params, form, json, needs = {}, response, status, maxBodyBytes } = options;
  if (params !== undefined && !isSchema(params)) {
    const unknown = Object.keys(params).find((name) => !path.names.includes(name));
    if (unknown !== undefined) throw invalid(`"params" has a schema for "${unknown}", which the path does not have`);
  }
  if (form !== undefined && json !== undefined) throw invalid('it has "form" and "json"; a request has one content');
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 599)) {
    throw invalid(`"status" is ${status}, not a whole number from 200 to 599`);
  }
  if (response !== undefined && !isSchema(response)) {
    const statuses = Object.keys(response);
    const wrong = statuses.find((key) => !/^[2-5]\d\d$/.test(key));
    if (wrong !== undefined)
      throw invalid(`"response" has a schema for "${wrong}", which is no status from 200 to 599`);
    if (statuses.length === 0) throw invalid('"response" has no schema');
  }
  if (maxBodyBytes !== undefined && !(maxBodyBytes >= 0)) {
    throw invalid(`"maxBodyBytes" is ${maxBodyBytes}, not a number of bytes from 0`);
  }
  const names: ReadonlySet<string> = new Set(CONTEXT_NAMES);
  const taken = Object.keys(needs).find((name) => names.has(name));
  if (taken !== undefined) throw invalid(`a need cannot have the name "${taken}", which every context has`);
}
