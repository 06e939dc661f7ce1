/** The application: routes, middleware and views under one `fetch`, which any TSGI server runs. */
import type {
  Application,
  Awaitable,
  Exchange,
  Handler,
  IncomingRequest,
  Logger,
  OutgoingResponse,
  ServerInfo,
} from "@tsgi/gateway-spec";
import { Context } from "./context.ts";
import { decoratedRoutes } from "./decorators.ts";
import { HttpError, RouteError } from "./errors.ts";
import { toHttpError, toLogEntry, toProblemResponse } from "./problem.ts";
import { toResponse, type HandlerResult } from "./results.ts";
import { CLASS_METHODS, type ClassHandler, type Route, type RouteHandler, type RouteOptions } from "./route.ts";
import type { ParamValue } from "./router/path.ts";
import { Router } from "./router/router.ts";
import { Views } from "./templates/views.ts";

/** Wraps a handler in another, once, when the application first answers. It knows nothing of the framework but the contract. */
export type Middleware<State = unknown> = (next: Handler<Exchange<State>>) => Handler<Exchange<State>>;

export interface AppOptions<State = unknown> {
  /** The folder of the views: a path from the working directory, or `new URL("./views/", import.meta.url)`. */
  readonly views?: string | URL;
  /** The view that `render` puts pages into. Default: none. */
  readonly layout?: string;
  /** Whether a view is read once only. Default: whether `NODE_ENV` is `production`. */
  readonly cacheViews?: boolean;
  /** Opens what the handlers need, before the first request; they find what it returns in `exchange.state`. */
  readonly startup?: (server: ServerInfo) => Awaitable<State>;
  /** Closes what `startup` opened, after the last response. */
  readonly shutdown?: (state: State) => Awaitable<void>;
  /**
   * Sees each error first, those of unknown paths and methods too. It answers with a result, whose status is the error's where
   * it says nothing else; throws a better error, an {@link HttpError} say; or returns `undefined` for the usual answer.
   */
  readonly onError?: (error: unknown, context: Context<object, State>) => Awaitable<HandlerResult | undefined>;
  /** Hears of errors that became a status of 500 and up. Default: the console. */
  readonly logger?: Pick<Logger, "error">;
}

type AddRoute<State> = {
  <const Path extends string>(path: Path, handler: RouteHandler<Path, State>): void;
  <const Path extends string>(path: Path, options: RouteOptions, handler: RouteHandler<Path, State>): void;
};

export class App<State = unknown> implements Application<State> {
  readonly #options: AppOptions<State>;
  readonly #router = new Router<AnyHandler<State>>();
  readonly #views: Views;
  readonly #middleware: Middleware<State>[] = [];
  #chain: Handler<Exchange<State>> | undefined;

  constructor(options: AppOptions<State> = {}) {
    this.#options = options;
    this.#views = new Views({ ...options, urlFor: this.urlFor });
  }

  /** Answers every request; it never throws. Where the handler needs no promise, neither does the answer. */
  readonly fetch: Handler<Exchange<State>> = (request, exchange) =>
    (this.#chain ??= this.#compose())(request, exchange);

  /** @throws TemplateError where the views folder is not there; and what the option `startup` throws. */
  readonly startup = async (server: ServerInfo): Promise<State> => {
    this.#views.check();
    // Without the option nothing is promised of the state: it is undefined.
    return (await this.#options.startup?.(server)) as State;
  };

  readonly shutdown = async (state: State): Promise<void> => {
    await this.#options.shutdown?.(state);
  };

  /** @throws RouteError */
  add<const Path extends string>({ method, path, handler, name }: Route<Path, State>): void {
    this.#router.add(method, path, erase(handler), name);
  }

  readonly get: AddRoute<State> = this.#shorthand("GET");
  readonly post: AddRoute<State> = this.#shorthand("POST");
  readonly put: AddRoute<State> = this.#shorthand("PUT");
  readonly patch: AddRoute<State> = this.#shorthand("PATCH");
  readonly delete: AddRoute<State> = this.#shorthand("DELETE");

  /** Adds the decorated methods of an object. @throws RouteError `ROUTE_NONE` where it has none. */
  register(instance: object): void {
    for (const route of decoratedRoutes(instance)) this.add(route);
  }

  /** Adds an object's `get`, `post`, … methods, all for one path. @throws RouteError `ROUTE_NONE` where it has none. */
  handle<const Path extends string>(path: Path, handler: ClassHandler<Path, State>, options: RouteOptions = {}): void {
    const routes = CLASS_METHODS.flatMap((name) => {
      const method = handler[name];
      return method === undefined ? [] : { method: name.toUpperCase(), handler: method.bind(handler) };
    });
    if (routes.length === 0) {
      throw new RouteError("ROUTE_NONE", `The handler of ${path} has none of the methods ${CLASS_METHODS.join(", ")}`);
    }
    for (const route of routes) this.add({ ...options, ...route, path });
  }

  /** Puts a middleware around the handlers. The first one used is the outermost. */
  use(middleware: Middleware<State>): void {
    this.#middleware.push(middleware);
    this.#chain = undefined;
  }

  /** The path of a named route, with its parameters filled in. @throws RouteError `ROUTE_NAME_UNKNOWN`, `ROUTE_PARAM_INVALID` */
  readonly urlFor = (name: string, params?: Readonly<Record<string, ParamValue>>): string =>
    this.#router.urlFor(name, params);

  #shorthand(method: string): AddRoute<State> {
    return <Path extends string>(
      path: Path,
      ...rest: [RouteHandler<Path, State>] | [RouteOptions, RouteHandler<Path, State>]
    ): void => {
      const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest;
      this.add({ ...options, method, path, handler });
    };
  }

  /** Errors are answered inside the middleware, which so sees every response, and outside of it for its own. */
  #compose(): Handler<Exchange<State>> {
    const inner = this.#guard((request, exchange) => this.#dispatch(request, exchange));
    if (this.#middleware.length === 0) return inner;
    return this.#guard(this.#middleware.reduceRight((next, middleware) => middleware(next), inner));
  }

  #guard(handler: Handler<Exchange<State>>): Handler<Exchange<State>> {
    return (request, exchange) => {
      try {
        const response = handler(request, exchange);
        return isPromise(response)
          ? response.catch((error: unknown) => this.#answer(error, request, exchange))
          : response;
      } catch (error) {
        return this.#answer(error, request, exchange);
      }
    };
  }

  #dispatch(request: IncomingRequest, exchange: Exchange<State>): Awaitable<OutgoingResponse> {
    const { method } = request;
    const { target } = exchange;
    if (target === "*" && method === "OPTIONS") return allow(this.#router.methods);
    const match = this.#router.match(method, pathOf(target));
    if (match.kind === "found") {
      const result = match.target(new Context(this.#services, request, exchange, match.params));
      return isPromise(result) ? result.then((value) => toResponse(value)) : toResponse(result);
    }
    if (match.kind === "none") throw new HttpError(404, "NOT_FOUND");
    if (match.kind === "malformed") {
      throw new HttpError(400, "PATH_MALFORMED", "The percent-encoding of the path is broken");
    }
    if (method === "OPTIONS") return allow(match.allow);
    throw new HttpError(405, "METHOD_NOT_ALLOWED", undefined, { headers: { allow: match.allow.join(", ") } });
  }

  readonly #services = {
    urlFor: this.urlFor,
    renderView: (view: string, data: object, layout?: string | null): string => this.#views.render(view, data, layout),
  };

  #answer(error: unknown, request: IncomingRequest, exchange: Exchange<State>): Awaitable<OutgoingResponse> {
    const { onError } = this.#options;
    return onError === undefined
      ? this.#answerAsUsual(error, request, exchange)
      : this.#answerWith(onError, error, request, exchange);
  }

  async #answerWith(
    onError: NonNullable<AppOptions<State>["onError"]>,
    error: unknown,
    request: IncomingRequest,
    exchange: Exchange<State>,
  ): Promise<OutgoingResponse> {
    const { status } = toHttpError(error);
    try {
      const result = await onError(error, new Context({ ...this.#services, status }, request, exchange, {}));
      if (result !== undefined) {
        const response = toResponse(result, { status });
        if (response.status >= 500) this.#log(toHttpError(error), request, exchange);
        return response;
      }
    } catch (better) {
      return this.#answerAsUsual(better, request, exchange);
    }
    return this.#answerAsUsual(error, request, exchange);
  }

  #answerAsUsual(error: unknown, request: IncomingRequest, exchange: Exchange<State>): OutgoingResponse {
    const known = toHttpError(error);
    if (known.status >= 500) this.#log(known, request, exchange);
    return toProblemResponse(known, request);
  }

  #log(known: HttpError, request: IncomingRequest, exchange: Exchange<State>): void {
    const { text, thrown } = toLogEntry(known);
    const line = `${request.method} ${pathOf(exchange.target)} answered ${known.status}${text}`;
    const logger = this.#options.logger ?? console;
    if (thrown === undefined) logger.error(line);
    else logger.error(line, thrown);
  }
}

type AnyHandler<State> = RouteHandler<string, State>;

/** The router calls a handler only with the parameters of its own path, which types cannot follow through a map. */
function erase<Path extends string, State>(handler: RouteHandler<Path, State>): AnyHandler<State> {
  return handler as AnyHandler<State>;
}

/** The path of a request target in any of its forms (RFC 9112 §3.2), as received. */
function pathOf(target: string): string {
  if (!target.startsWith("/")) return URL.canParse(target) ? new URL(target).pathname : target;
  const end = target.indexOf("?");
  return end === -1 ? target : target.slice(0, end);
}

function allow(methods: readonly string[]): OutgoingResponse {
  return { status: 204, headers: { allow: methods.join(", ") }, body: null };
}

function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return value instanceof Promise;
}
