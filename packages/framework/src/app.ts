/** The application: routes, middleware and views under one `fetch`, which any TSGI server runs. */
import { channel } from "node:diagnostics_channel";
import type {
  Application,
  Awaitable,
  Exchange,
  Handler,
  IncomingRequest,
  OutgoingResponse,
  ServerInfo,
} from "@tsgi/gateway-spec";
import type { AppOptions } from "./app-options.ts";
import { RequestContext, type Services } from "./context.ts";
import { decoratedRoutes } from "./decorators.ts";
import { toEndpoint, type Endpoint } from "./endpoint.ts";
import { ErrorResponder } from "./error-responder.ts";
import { HttpError } from "./errors.ts";
import { Group, type GroupOptions } from "./group.ts";
import { handlerClassRoutes, type HandlerClass } from "./handlers.ts";
import { baseOf, belowPrefix, Hosts, Mounts, MovedRequest, serverExchange } from "./mount.ts";
import { Reply } from "./results.ts";
import { isRoute } from "./route-value.ts";
import { route } from "./route.ts";
import { buildPath, parsePath, type ParamValue, type QueryValue, type RoutePath } from "./router/path.ts";
import { callerPlace } from "./router/place.ts";
import { pathOf, queryOf } from "./router/request-path.ts";
import { RouteError } from "./router/route-error.ts";
import { ANY_METHOD, Router, type Registration } from "./router/router.ts";
import { csrfProtection } from "./security/csrf.ts";
import { isResponseOnly } from "./security/response-only.ts";
import { cspNonce, securityHeaders } from "./security/headers.ts";
import { Views } from "./templates/views.ts";
import { isThenable } from "./thenable.ts";
import type {
  CheckedOptions,
  FittingNeeds,
  FittingTable,
  Handle,
  Middleware,
  Needs,
  Route,
  RouteHandler,
  RouteOptions,
} from "./types.ts";

/** For access logs and tracers; see `noteRoute` of the contract. */
const ROUTE = channel("tsgi.exchange.route");

interface AddRoute<State> {
  <const Path extends string>(path: Path, handler: Handle<NoInfer<Path>, {}, State>): void;
  <const Path extends string, const Options extends RouteOptions>(
    path: Path,
    options: Options & CheckedOptions<Path, Options> & FittingNeeds<Options, State>,
    handler: Handle<NoInfer<Path>, NoInfer<Options>, State>,
  ): void;
}

/**
 * A web application: routes, layers around them, and a lifespan. It is an {@link Application} of the contract, so every TSGI server
 * runs it. A route whose method or path is wrong is an error when it is added.
 *
 * @example
 * ```ts
 * const app = new App();
 * app.get("/users/:id<int>", ({ params }) => ({ id: params.id }));
 * export default app;
 * ```
 */
export class App<State = unknown> implements Application<State> {
  readonly #options: AppOptions<State>;
  readonly #router = new Router<Target>();
  readonly #rewrites = new Router<RoutePath>();
  #hasRewrites = false;
  readonly #hosts = new Hosts();
  #hasHosts = false;
  readonly #mounts = new Mounts();
  readonly #views: Views;
  readonly #services: Services;
  readonly #errors: ErrorResponder<State>;
  readonly #routes: Route[] = [];
  readonly #middleware: Middleware<State>[] = [];
  #chain: Handler<Exchange<State>> | undefined;

  constructor(options: AppOptions<State> = {}) {
    this.#options = options;
    this.#views = new Views({ ...options, urlFor: this.urlFor });
    this.#errors = new ErrorResponder(options);
    this.#services = {
      base: options.base,
      urlFor: (name, params, query) => this.#router.urlFor(name, params, query),
      renderView: (view, data, layout, { urlFor, exchange }) =>
        this.#views.render(view, data, layout, { urlFor, cspNonce: () => cspNonce(exchange) }),
      report: (error, context) => {
        this.#errors.log(error, context.request);
      },
    };
  }

  /** Responds to every request; it never throws. Where the handler returns no promise, neither does `fetch`. */
  readonly fetch: Handler<Exchange<State>> = (request, exchange) =>
    (this.#chain ??= this.#compose())(request, exchange);

  /** @throws TemplateError where the views folder does not exist; and what the `startup` of this or a mounted application throws. */
  readonly startup = async (server: ServerInfo): Promise<State> => {
    this.#views.check();
    // Without the option the state is undefined, and nothing is promised of it.
    const state = (await this.#options.startup?.(server)) as State;
    try {
      await this.#mounts.startup(server, state);
    } catch (error) {
      try {
        await this.#options.shutdown?.(state);
      } catch {
        // The first error is the cause.
      }
      throw error;
    }
    return state;
  };

  readonly shutdown = async (state: State): Promise<void> => {
    try {
      await this.#mounts.shutdown(state);
    } finally {
      await this.#options.shutdown?.(state);
    }
  };

  /**
   * Adds a route for GET and HEAD: `get(path, handler)`, or `get(path, options, handler)` with {@link RouteOptions}.
   * @throws RouteError for a path or a schema that cannot be used, and for a second route of the same path.
   */
  readonly get: AddRoute<State> = this.#shorthand("GET");
  /** Adds a route for POST; the arguments are those of `get`. */
  readonly post: AddRoute<State> = this.#shorthand("POST");
  /** Adds a route for PUT; the arguments are those of `get`. */
  readonly put: AddRoute<State> = this.#shorthand("PUT");
  /** Adds a route for PATCH; the arguments are those of `get`. */
  readonly patch: AddRoute<State> = this.#shorthand("PATCH");
  /** Adds a route for DELETE; the arguments are those of `get`. */
  readonly delete: AddRoute<State> = this.#shorthand("DELETE");

  /** Adds a route value with its handler. @throws RouteError */
  on<Method extends string, Path extends string, Options>(
    route: Route<Method, Path, Options> & { readonly options: FittingNeeds<Options, State> },
    handler: Handle<NoInfer<Path>, NoInfer<Options>, State>,
  ): void;
  /**
   * Adds a table of routes with a handler for each; an object of a class fits too. The keys are names for `urlFor`.
   * @throws RouteError
   */
  on<T>(
    table: T & FittingTable<T, State>,
    handlers: { readonly [Name in keyof T]: RouteHandler<T[Name], State> },
  ): void;
  on(target: unknown, handler: unknown): void {
    const place = callerPlace();
    if (isRoute(target)) {
      this.#add(target, handler, { place });
      return;
    }
    const handlers = handler as Readonly<Record<string, unknown>>;
    for (const [name, route] of Object.entries(target as Readonly<Record<string, unknown>>)) {
      if (!isRoute(route))
        throw new RouteError("ROUTE_NONE", `"${name}" is not a route: create the table with routes(…)`);
      const method = handlers[name];
      if (typeof method !== "function") {
        throw new RouteError("ROUTE_NONE", `The route "${name}" (${route.method} ${route.path}) has no handler`);
      }
      this.#add(route, method.bind(handlers), { place, name, sharesName: true });
    }
  }

  /** Routes with a common prefix, common needs and common layers: `app.group("/admin", { needs: { me: admin } }).get("/users", …)`. */
  group<const Prefix extends string, const GroupNeeds extends Needs = {}>(
    prefix: Prefix,
    options: GroupOptions<GroupNeeds> & FittingNeeds<{ readonly needs: GroupNeeds }, State> = {} as never,
  ): Group<Prefix, GroupNeeds, State> {
    return new Group<Prefix, GroupNeeds, State>(prefix, options, (value, handler) => {
      this.#add(value, handler, { place: callerPlace() });
    });
  }

  /** Adds the decorated methods of an object. @throws RouteError `ROUTE_NONE` where it has none. */
  register(instance: object): void {
    for (const { route, handler, place } of decoratedRoutes(instance)) this.#add(route, handler, { place });
  }

  /**
   * Adds a class in the manner of Tornado: one object for each request, a method for each request method, and the parameters of
   * the path as arguments in their order. A pattern without a name is a parameter too: `app.handle("/story/(\\d+)", Story, db)`.
   * @param args for the constructor, after the context.
   * @throws RouteError `ROUTE_NONE` where the class has no method for a request method.
   */
  handle<const Args extends readonly unknown[]>(
    paths: string | readonly string[],
    handler: HandlerClass<Args, State>,
    ...args: Args
  ): void {
    const place = callerPlace();
    for (const path of typeof paths === "string" ? [paths] : paths) {
      for (const entry of handlerClassRoutes(path, handler as unknown as HandlerClass<Args>, args)) {
        this.#add(entry.route, entry.handler, { place });
      }
    }
  }

  /**
   * Hands every request below a prefix to another application, which sees `request.url` without the prefix. It is started and
   * shut down with this one, and has a state of its own.
   * @throws RouteError
   */
  mount<Inner>(prefix: string, application: Application<Inner> | Handler): void {
    const registration = { place: callerPlace() };
    const handler = this.#mounts.add(application);
    const trimmed = prefix.replace(/\/$/, "");
    const segments = trimmed === "" ? 0 : parsePath(trimmed).segments.length;
    const endpoint: Endpoint = ({ request, exchange }) => handler(belowPrefix(request, exchange, segments), exchange);
    const target = { endpoint, route: null };
    if (trimmed !== "") this.#router.add(ANY_METHOD, trimmed, target, registration);
    this.#router.add(ANY_METHOD, `${trimmed}/*rest`, target, registration);
  }

  /**
   * Hands every request for a host name to another application: `api.example.com`, or `*.example.com` for the names one
   * label below it.
   * The port does not count. The middleware of this application runs first.
   */
  host<Inner>(name: string, application: Application<Inner> | Handler): void {
    this.#hosts.add(name, this.#mounts.add(application));
    this.#hasHosts = true;
  }

  /**
   * Treats requests for one path as requests for another one: `app.rewrite("/old/:id", "/new/:id")`. It happens before the
   * middleware, which sees the new path in `request.url`, and once for a request.
   * @throws RouteError
   */
  rewrite(from: string, to: string): void {
    const [source, target] = [parsePath(from), parsePath(to)];
    const unknown = target.names.find((name) => !source.names.includes(name));
    if (unknown !== undefined) {
      throw new RouteError("ROUTE_PATH_INVALID", `Cannot rewrite ${from} to ${to}: it has no parameter "${unknown}"`);
    }
    this.#rewrites.add(ANY_METHOD, from, target, { place: callerPlace() });
    this.#hasRewrites = true;
    this.#chain = undefined;
  }

  /** Every route in the order in which it was added, for documents. Those of mounted applications are not among them. */
  get routes(): readonly Route[] {
    return this.#routes;
  }

  /**
   * Puts a middleware around the handlers. The first one used is the outermost. It does not get requests that the CSRF check rejects;
   * `cors`, which only adds to responses, is in front of the check and of all other middleware.
   */
  use(middleware: Middleware<State>): void;
  /** A middleware for every application, such as `compression()`. */
  use(middleware: Middleware): void;
  use(middleware: Middleware<State> | Middleware): void {
    // One that takes any state takes this one.
    this.#middleware.push(middleware as Middleware<State>);
    this.#chain = undefined;
  }

  /** The path of a named route, below the option `base`. @throws RouteError `ROUTE_NAME_UNKNOWN`, `ROUTE_PARAM_INVALID` */
  readonly urlFor = (
    name: string,
    params?: Readonly<Record<string, ParamValue>>,
    query?: Readonly<Record<string, QueryValue>>,
  ): string => (this.#options.base ?? "") + this.#router.urlFor(name, params, query);

  #shorthand(method: string): AddRoute<State> {
    return (path: string, ...rest: readonly unknown[]): void => {
      const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
      this.#add(route(`${method} ${path}`, options as RouteOptions), handler, { place: callerPlace() });
    };
  }

  #add(value: Route, handler: unknown, registration: Registration): void {
    const { method, path, options } = value;
    if (typeof handler !== "function") {
      throw new RouteError("ROUTE_NONE", `The handler of ${method} ${path} is not a function`);
    }
    const { name } = options as RouteOptions;
    const endpoint = toEndpoint(parsePath(path), options, handler as (context: unknown) => unknown);
    this.#router.add(
      method,
      path,
      { endpoint, route: value },
      name === undefined ? registration : { ...registration, name, sharesName: false },
    );
    this.#routes.push(value);
  }

  /**
   * Errors become responses inside the middleware, which so sees the response of each request that it gets, and outside of it for its
   * own errors. The CSRF check is in front of the middleware, which may respond itself. Middleware that only adds to responses sees
   * the 403 of the check too.
   */
  #compose(): Handler<Exchange<State>> {
    const { security = {} } = this.#options;
    const { csrf = {}, headers = {} } =
      security === false ? { csrf: false as const, headers: false as const } : security;
    let chain: Handler<Exchange<State>> = (request, exchange) => this.#dispatch(request, exchange);
    const outer = this.#middleware.filter(isResponseOnly);
    const inner = this.#middleware.filter((layer) => !isResponseOnly(layer));
    if (inner.length > 0) chain = inner.reduceRight((next, layer) => layer(next), this.#guard(chain));
    if (csrf !== false) chain = (csrfProtection(csrf) as Middleware<State>)(chain);
    chain = outer.reduceRight((next, layer) => layer(next), this.#guard(chain));
    if (headers !== false) chain = (securityHeaders(headers) as Middleware<State>)(chain);
    return this.#hasRewrites ? this.#rewriting(chain) : chain;
  }

  #rewriting(next: Handler<Exchange<State>>): Handler<Exchange<State>> {
    return (request, exchange) => {
      const match = this.#rewrites.match(request.method, pathOf(request.url));
      if (match.kind !== "found") return next(request, exchange);
      let path: string;
      try {
        // The new path need not have every parameter of the old one.
        const { names } = match.target;
        path = buildPath(match.target, Object.fromEntries(names.map((name) => [name, match.params[name] ?? ""])));
      } catch {
        // The new path cannot hold the value, so there is no such page: the old path has no route either.
        return next(request, exchange);
      }
      return next(new MovedRequest(request, path, baseOf(request, exchange)), exchange);
    };
  }

  #guard(handler: Handler<Exchange<State>>): Handler<Exchange<State>> {
    return (request, exchange) => {
      try {
        const response = handler(request, exchange);
        return isThenable(response)
          ? Promise.resolve(response).catch((error: unknown) =>
              this.#errors.respond(error, this.#newContext(request, exchange)),
            )
          : response;
      } catch (error) {
        return this.#errors.respond(error, this.#newContext(request, exchange));
      }
    };
  }

  #newContext(request: IncomingRequest, exchange: Exchange<State>): RequestContext<State> {
    return new RequestContext(this.#services, request, exchange, request.url, {}, null);
  }

  #dispatch(request: IncomingRequest, exchange: Exchange<State>): Awaitable<OutgoingResponse> {
    const { method, url } = request;
    if (this.#hasHosts) {
      const handler = this.#hosts.find(url);
      if (handler !== undefined) return handler(request, exchange);
    }
    if (exchange.target === "*" && method === "OPTIONS") return allow(this.#router.methods);
    const path = pathOf(url);
    const match = this.#router.match(method, path);
    switch (match.kind) {
      case "found":
        if (ROUTE.hasSubscribers && match.target.route !== null) {
          ROUTE.publish({
            exchange: serverExchange(exchange),
            route: baseOf(request, exchange) + match.target.route.path,
          });
        }
        return this.#run(
          match.target.endpoint,
          new RequestContext(this.#services, request, exchange, url, match.params, match.target.route),
        );
      case "method":
        if (method === "OPTIONS") return allow(match.allow);
        throw new HttpError(405, "METHOD_NOT_ALLOWED", undefined, { headers: { allow: match.allow.join(", ") } });
      case "malformed":
        throw new HttpError(
          400,
          "PATH_MALFORMED",
          "The path has dot segments or is not percent-encoded as RFC 3986 asks",
        );
      case "none":
        break;
    }
    return this.#otherSlash(request, exchange, path);
  }

  /** Runs a handler. Its errors become responses here, where the context with its hooks is at hand. */
  #run(endpoint: Endpoint, context: RequestContext<State>): Awaitable<OutgoingResponse> {
    try {
      const response = endpoint(context);
      if (!isThenable(response)) return context.finish(response);
      return Promise.resolve(response).then(
        (later) => context.finish(later),
        (error: unknown) => this.#errors.respond(error, context),
      );
    } catch (error) {
      return this.#errors.respond(error, context);
    }
  }

  #otherSlash(request: IncomingRequest, exchange: Exchange<State>, path: string): OutgoingResponse {
    const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    // A location that begins with two slashes names another site.
    if (this.#options.trailingSlash === "redirect" && other !== "" && !other.startsWith("//")) {
      if (this.#router.match(request.method, other).kind === "found") {
        const query = queryOf(request.url);
        const base = this.#options.base ?? baseOf(request, exchange);
        return new Reply(308, { location: base + other + (query === "" ? "" : `?${query}`) }, null);
      }
    }
    throw new HttpError(404, "NOT_FOUND");
  }
}

/** What the router finds. A mounted application has no route. */
interface Target {
  readonly endpoint: Endpoint;
  readonly route: Route<string, string, RouteOptions> | null;
}

function allow(methods: readonly string[]): OutgoingResponse {
  return new Reply(204, { allow: methods.join(", ") }, null);
}
