/**
 * The types of routes and contexts. What a handler gets and returns follows from the method, the path and the schemas of its
 * route alone; nothing accumulates in a type parameter, so each route costs the compiler the same.
 */
import type { Awaitable, Exchange, Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import type { ReadOptions } from "@tsgi/gateway-spec/body";
import type { ContextName } from "./context-names.ts";
import type { CookieOptions } from "./cookies/cookies.ts";
import type { HandlerResult, Reply, ReplyOptions, StatusResult } from "./results.ts";
import type { PathParams } from "./router/params.ts";
import type { ParamValue, QueryValue } from "./router/path.ts";
import type { Fields, FieldsInput, FieldsOutput, InputOf, OutputOf, Responses, Schema } from "./validation/schema.ts";

/**
 * Wraps a handler in another one. It is composed once, before the first request, and works around any TSGI application. Data for
 * handlers travels by `RequestKey`.
 */
export type Middleware<State = unknown> = (next: Handler<Exchange<State>>) => Handler<Exchange<State>>;

/** The options of a route: schemas of the request and of the response, needs, layers, and what documents and URLs show. */
export interface RouteOptions {
  /** The name for `urlFor`. Routes of one path may share a name. */
  readonly name?: string;
  /** The parameters of the path, by name. A mistake is 422. */
  readonly params?: Fields;
  /** The query string. A mistake is 422. */
  readonly query?: Fields;
  /** Names in lower case. */
  readonly headers?: Fields;
  /** The cookies, by name. A mistake is 422. */
  readonly cookies?: Fields;
  /** The content as a form (`application/x-www-form-urlencoded`). A route has `form` or `json`, not both. */
  readonly form?: Fields;
  /** The content as JSON. */
  readonly json?: Schema;
  /**
   * The result of the handler. It is checked, and fields that the schema does not declare are removed. A schema for each status,
   * `{ 200: Item, 404: Reason }`, lets the handler return `withStatus(404, …)` too; a plain result is that of `status`, or 200.
   */
  readonly response?: Schema | Responses;
  /** What the handler needs from elsewhere, by name: `{ me: signedIn }`. Needs run in their order, before the content is read. */
  readonly needs?: Needs;
  /** Layers around the needs and the handler, which see the context. The first one is the outermost. */
  readonly around?: readonly Layer[];
  /** Status of a result that is not a response. Default 200; 204 for `null`. */
  readonly status?: number;
  /** One line for the API document. */
  readonly summary?: string;
  /** Longest content accepted, in bytes. Default 1 MiB. Beyond it the response is 413. */
  readonly maxBodyBytes?: number;
}

/**
 * Needs by the name that the context has for each. The names of the context's own members are taken. State is `never` here so that a
 * need may ask for any state; `App.on` checks that it is the application's.
 */
export type Needs = { readonly [name: string]: Need<unknown, BareContext<never>> } & {
  readonly [Name in ContextName]?: never;
};

/** A need that asks for another state than the application's is an error at its name. */
export type FittingNeeds<Options, State> = Options extends { readonly needs: infer N }
  ? {
      readonly needs: {
        readonly [Name in keyof N]: N[Name] extends (context: BareContext<State>) => unknown
          ? unknown
          : "this need asks for another state";
      };
    }
  : unknown;

/** A route as a value: a method, a path and options, without a handler. {@link route} makes one. */
export interface Route<Method extends string = string, Path extends string = string, Options = object> {
  /** In upper case, such as `GET`. */
  readonly method: Method;
  /** With its parameters, such as `/users/:id<int>`. */
  readonly path: Path;
  /** What was given to {@link route}. */
  readonly options: Options;
  /**
   * The path with its parameters filled in, and the query: `show.url({ id: 7 }, { page: 2 })`. It begins with one slash and so
   * never leaves the site. Where the application is mounted below a prefix, use `context.urlFor(show, …)`.
   * @throws RouteError `ROUTE_PARAM_INVALID`
   */
  readonly url: (...input: UrlArguments<Path, Options>) => string;
}

export type UrlArguments<Path extends string, Options> = keyof PathParams<Path> extends never
  ? [params?: Readonly<Record<string, never>>, query?: UrlQuery<Options>]
  : [params: UrlParams<Path>, query?: UrlQuery<Options>];

type UrlParams<Path extends string> = { readonly [Name in keyof PathParams<Path>]: ParamInput<PathParams<Path>[Name]> };
type ParamInput<Value> = Value extends number ? number | bigint : ParamValue;

type UrlQuery<Options> = Options extends { readonly query: infer F }
  ? FieldsInput<F>
  : Readonly<Record<string, QueryValue>>;

/** A schema for a parameter that the path does not have is an error at that parameter. */
export type CheckedOptions<Path extends string, Options> = Options extends { readonly params: infer F }
  ? F extends Schema
    ? unknown
    : {
        readonly params: {
          readonly [Name in keyof F]: Name extends keyof PathParams<Path>
            ? unknown
            : `the path has no ":${Name & string}"`;
        };
      }
  : unknown;

/** The route of an entry of {@link routes}. */
export type RouteOf<T> =
  T extends Route<infer Method, infer Path, infer Options>
    ? Route<Method, Path, Options>
    : T extends `${infer Method} ${infer Path}`
      ? Route<Method, Path, {}>
      : never;

/** {@link FittingNeeds} for every route of a table. */
export type FittingTable<T, State> = {
  readonly [Name in keyof T]: T[Name] extends Route<infer _Method, infer _Path, infer Options>
    ? { readonly options: FittingNeeds<Options, State> }
    : unknown;
};

/** What {@link routes} returns: a {@link Route} under each name of the table. */
export type RouteTable<T> = { readonly [Name in keyof T]: RouteOf<T[Name]> };

/** The options of `render`: those of a reply, and the layout. */
export interface RenderOptions extends ReplyOptions {
  /** The layout to put the page into; `null` for none. Default: the application's. */
  readonly layout?: string | null;
}

export interface UrlFor {
  /** The path of a named route, with its query. @throws RouteError `ROUTE_NAME_UNKNOWN`, `ROUTE_PARAM_INVALID` */
  (name: string, params?: Readonly<Record<string, ParamValue>>, query?: Readonly<Record<string, QueryValue>>): string;
  /** The path of a route value, checked by the compiler. @throws RouteError `ROUTE_PARAM_INVALID` */
  <Method extends string, Path extends string, Options>(
    route: Route<Method, Path, Options>,
    ...input: UrlArguments<Path, Options>
  ): string;
}

/** Reads the content of a route that declares no schema for it. */
export interface BodyReader<T> {
  /** Once for a request. @throws BodyError */
  (options?: ReadOptions): Promise<T>;
  /** `json.name` in a route without a `json` schema is a mistake, not the name of a function. */
  readonly name: undefined;
}

/** Sees and may replace the response of this request. */
export type AfterHook = (response: OutgoingResponse) => Awaitable<OutgoingResponse>;

/** What every context has, and all that a need can rely on. */
export interface BareContext<State = unknown> {
  /** The request as it was received. */
  readonly request: IncomingRequest;
  /** What Fetch lacks: addresses, TLS, the state of the application, shutdown, WebSockets. */
  readonly exchange: Exchange<State>;
  /** The route that matched; `null` where none did, in `onError`. */
  readonly route: Route<string, string, RouteOptions> | null;
  /** The request's URL, parsed. */
  readonly url: URL;
  /** The prefix below which the application is mounted: `/shop`, or `""`. */
  readonly base: string;
  /** The content as text. Once for a request. @throws BodyError */
  readonly text: (options?: ReadOptions) => Promise<string>;
  /**
   * A page.
   * @param view a file of the views folder, `.html` where it has no extension.
   * @param data what the view finds under `it`.
   * @throws TemplateError
   */
  readonly render: (view: string, data?: object, options?: RenderOptions) => Reply;
  /** Data with a status and header fields: a string is plain text, `Html` is HTML, an object is JSON, `null` is no content. */
  readonly reply: (data: string | object | null, options?: ReplyOptions) => Reply;
  /**
   * A redirect to another page.
   * @param location a page of this site or another one. Check it first where it comes from the client: it may name any site.
   * Controls, spaces and characters outside of ASCII are encoded.
   * @param status default 303 See Other: the client gets that page, whatever the method was (RFC 9110 §15.4.4).
   */
  readonly redirect: (location: string, status?: 301 | 302 | 303 | 307 | 308) => Reply;
  /** Sets a header field of the handler's response. `vary` and `set-cookie` add to those that are there. */
  readonly header: (name: string, value: string) => void;
  /** Sets a cookie with the handler's response. The defaults are `HttpOnly`, `Secure`, `SameSite=Lax`. */
  readonly cookie: (name: string, value: string, options?: CookieOptions) => void;
  /** Runs a hook on the response of this request, an error response included, in the order of the calls. */
  readonly after: (hook: AfterHook) => void;
  /** The result of a need. A need runs once for a request, however often it is asked for. */
  readonly need: <Result>(need: (context: BareContext<State>) => Result) => Result;
  /** The URL of a route below {@link BareContext.base}. */
  readonly urlFor: UrlFor;
}

/**
 * Wraps the handling of a route in another function of the context, as {@link Middleware} wraps the application:
 * `(next) => async (context) => { const response = await next(context); …; return response; }`.
 */
export type Layer = (
  next: (context: BareContext<never>) => Awaitable<OutgoingResponse>,
) => (context: BareContext<never>) => Awaitable<OutgoingResponse>;

/**
 * Gives a handler something from elsewhere: the user, a session, a service. It throws an error to refuse the request, or a
 * response: `throw redirect("/login.html")`.
 */
export type Need<Result = unknown, Given = BareContext> = (context: Given) => Awaitable<Result>;

/** The context of a route. An interface, so that the type of a member is worked out only where it is used. */
export interface RouteContext<Path extends string, Options, State = unknown> extends BareContext<State> {
  /** Decoded; checked where the route has a schema. */
  readonly params: Options extends { readonly params: infer F }
    ? FieldsOutput<F> & Omit<PathParams<Path>, keyof F>
    : PathParams<Path>;
  readonly query: Options extends { readonly query: infer F } ? FieldsOutput<F> : URLSearchParams;
  readonly headers: Options extends { readonly headers: infer F } ? FieldsOutput<F> : IncomingRequest["headers"];
  readonly cookies: Options extends { readonly cookies: infer F } ? FieldsOutput<F> : ReadonlyMap<string, string>;
  /** The content as a form: checked where the route has a schema, else a function that reads it. */
  readonly form: Options extends { readonly form: infer F } ? FieldsOutput<F> : BodyReader<URLSearchParams>;
  /** The content as JSON: checked where the route has a schema, else a function that reads it. */
  readonly json: Options extends { readonly json: infer S } ? OutputOf<S> : BodyReader<unknown>;
}

/** The results of a route's needs. */
export type Given<Options> = Options extends { readonly needs: infer N }
  ? { readonly [Name in keyof N]: N[Name] extends (context: never) => infer Result ? Awaited<Result> : never }
  : unknown;

/**
 * The context of a route value, of a path, or of a record of parameters: `Context<typeof show>`, `Context<"/users/:id">`,
 * `Context<{ id: string }>`. `State` is the type of `exchange.state`.
 */
export type Context<R = "", State = unknown> = R extends string
  ? RouteContext<R, {}, State>
  : R extends Route<infer _Method, infer Path, infer Options>
    ? RouteContext<Path, Options, State> & Given<Options>
    : Omit<RouteContext<"", {}, State>, "params"> & { readonly params: R };

/** What a handler of a route with these options returns. */
export type ResultOf<Options> = Options extends { readonly response: infer S }
  ? (S extends Schema ? ReadonlyInput<InputOf<S>> : ResultByStatus<S, UsualStatus<Options>>) | Reply | Response
  : HandlerResult;

type UsualStatus<Options> = Options extends { readonly status: infer Status } ? Status : 200;

type ResultByStatus<S, Usual> =
  | (Usual extends keyof S ? ReadonlyInput<InputOf<S[Usual]>> : never)
  | { [Status in keyof S & number]: StatusResult<Status, ReadonlyInput<InputOf<S[Status]>>> }[keyof S & number];

/** A schema reads its input and does not change it, so rows of the database, which are `readonly`, are a valid result. */
type ReadonlyInput<T> = unknown extends T
  ? T
  : T extends object
    ? { readonly [Name in keyof T]: ReadonlyInput<T[Name]> }
    : T;

export type Handle<Path extends string, Options, State = unknown> = (
  context: RouteContext<Path, Options, State> & Given<Options>,
) => Awaitable<ResultOf<Options>>;

/** The handler of a route value: `add: RouteHandler<typeof pages.add> = ({ params }) => …`. */
export type RouteHandler<R, State = unknown> =
  R extends Route<infer _Method, infer Path, infer Options> ? Handle<Path, Options, State> : never;
