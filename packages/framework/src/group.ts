/** Routes with a common prefix, common needs and common layers. They are ordinary routes: a group only writes them shorter. */
import { RouteValue, splitLine } from "./route-value.ts";
import { RouteError } from "./router/route-error.ts";
import type { CheckedOptions, FittingNeeds, Handle, Layer, Needs, Route, RouteOptions } from "./types.ts";

/** The options of a route with the group's needs among its own. */
export type WithNeeds<Options, GroupNeeds> = Omit<Options, "needs"> & {
  readonly needs: GroupNeeds & (Options extends { readonly needs: infer Own } ? Own : unknown);
};

interface AddToGroup<Prefix extends string, GroupNeeds, State> {
  <const Path extends string>(
    path: Path,
    handler: Handle<`${Prefix}${NoInfer<Path>}`, { readonly needs: GroupNeeds }, State>,
  ): void;
  <const Path extends string, const Options extends RouteOptions>(
    path: Path,
    options: Options & CheckedOptions<`${Prefix}${Path}`, Options> & FittingNeeds<Options, State>,
    handler: Handle<`${Prefix}${NoInfer<Path>}`, WithNeeds<NoInfer<Options>, GroupNeeds>, State>,
  ): void;
}

/** What the routes of a {@link Group} have in common. */
export interface GroupOptions<GroupNeeds> {
  /** Added to the needs of each route. */
  readonly needs?: GroupNeeds;
  /** Layers outside of those of each route. */
  readonly around?: readonly Layer[];
}

type AddRoute = (route: Route, handler: unknown) => void;

/** Routes below a common prefix. `app.group(prefix, options)` makes one; its methods are those of the application. */
export class Group<Prefix extends string, GroupNeeds extends Needs, State = unknown> {
  readonly #prefix: Prefix;
  readonly #options: GroupOptions<GroupNeeds>;
  readonly #add: AddRoute;

  /** @param add adds a route to the application. @throws RouteError `ROUTE_PATH_INVALID` */
  constructor(prefix: Prefix, options: GroupOptions<GroupNeeds>, add: AddRoute) {
    if (prefix.endsWith("/")) {
      throw new RouteError(
        "ROUTE_PATH_INVALID",
        `The prefix ${prefix} of a group ends with a slash, as its paths begin with one`,
      );
    }
    this.#prefix = prefix;
    this.#options = options;
    this.#add = add;
  }

  /**
   * Adds a route for GET and HEAD below the prefix: `get(path, handler)`, or `get(path, options, handler)` with {@link RouteOptions}.
   * @throws RouteError for a path or a schema that cannot be used, and for a second route of the same path.
   */
  readonly get: AddToGroup<Prefix, GroupNeeds, State> = this.#shorthand("GET");
  /** Adds a route for POST; the arguments are those of `get`. */
  readonly post: AddToGroup<Prefix, GroupNeeds, State> = this.#shorthand("POST");
  /** Adds a route for PUT; the arguments are those of `get`. */
  readonly put: AddToGroup<Prefix, GroupNeeds, State> = this.#shorthand("PUT");
  /** Adds a route for PATCH; the arguments are those of `get`. */
  readonly patch: AddToGroup<Prefix, GroupNeeds, State> = this.#shorthand("PATCH");
  /** Adds a route for DELETE; the arguments are those of `get`. */
  readonly delete: AddToGroup<Prefix, GroupNeeds, State> = this.#shorthand("DELETE");

  /** A route value of the group: `area.route("GET /users/:id", …)`. Add it with `app.on`. @throws RouteError */
  route<const Method extends string, const Path extends string, const Options extends RouteOptions = {}>(
    line: `${Method} ${Path}`,
    options?: Options & CheckedOptions<`${Prefix}${Path}`, Options>,
  ): Route<Method, `${Prefix}${Path}`, WithNeeds<Options, GroupNeeds>> {
    return this.#route(line, options ?? {}) as never;
  }

  #route(line: string, options: RouteOptions): Route {
    const [method, path] = splitLine(line);
    const needs = { ...this.#options.needs, ...options.needs };
    const around = [...(this.#options.around ?? []), ...(options.around ?? [])];
    return new RouteValue(method, `${this.#prefix}${path}`, { ...options, needs, around }) as unknown as Route;
  }

  #shorthand(method: string): AddToGroup<Prefix, GroupNeeds, State> {
    return (path: string, ...rest: readonly unknown[]): void => {
      const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
      this.#add(this.#route(`${method} ${path}`, options as RouteOptions), handler);
    };
  }
}
