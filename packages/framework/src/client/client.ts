/**
 * Calls routes over HTTP, typed by their values. It needs `fetch` alone, so a page's script can use it: the module with the route
 * values imports only `@tsgi/framework/route` and a schema library.
 */
import { route as createRoute } from "../route.ts";
import type { Route, RouteOptions, UrlArguments } from "../types.ts";
import type { PathParams } from "../router/params.ts";
import { isSchema, type FieldsInput, type InputOf, type OutputOf, type Schema } from "../validation/schema.ts";

/** Where a call goes, and what each request of it has. */
export interface CallOptions {
  /** Where the application is: `https://api.example.com` or `/shop`. Default: the page's own origin. */
  readonly base?: string;
  /** Fields of every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborts the request; the call rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Default: the global `fetch`. */
  readonly fetch?: (input: string, init: RequestInit) => Promise<Response>;
}

/** What a route takes: its path parameters, its query, its content. What the route does not declare has no spelling. */
export type CallInput<Path extends string, Options> = ParamsInput<Path> &
  PartInput<Options, "query"> &
  PartInput<Options, "headers"> &
  ContentInput<Options>;

type ParamsInput<Path extends string> = keyof PathParams<Path> extends never
  ? { readonly params?: Readonly<Record<string, never>> }
  : { readonly params: Exclude<UrlArguments<Path, {}>[0], undefined> };

type PartInput<Options, Part extends string> = Options extends { readonly [P in Part]: infer F }
  ? {} extends FieldsInput<F>
    ? { readonly [P in Part]?: FieldsInput<F> }
    : { readonly [P in Part]: FieldsInput<F> }
  : unknown;

type ContentInput<Options> = Options extends { readonly json: infer S }
  ? { readonly json: InputOf<S> }
  : Options extends { readonly form: infer F }
    ? { readonly form: FieldsInput<F> }
    : unknown;

/**
 * What a call gives: the `response` schema's output, else what the content is read as. Of a route with a schema for each status it is
 * a union on `status`.
 */
export type CallOutput<Options> = Options extends { readonly response: infer S }
  ? S extends Schema
    ? OutputOf<S>
    : ResponseOf<S>
  : unknown;

type ResponseOf<S> = {
  [Status in keyof S & number]: { readonly status: Status; readonly data: OutputOf<S[Status]> };
}[keyof S & number];

type Arguments<Input> = {} extends Input
  ? [input?: Input, options?: CallOptions]
  : [input: Input, options?: CallOptions];

/** A response that is not 2xx, or whose status is none that the route declares a schema for. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly status: number;
  /** The `code` of the problem document, such as `INPUT_INVALID`; `null` where the response has none. */
  readonly code: string | null;
  /** The problem document (RFC 9457), or what the content was read as. */
  readonly problem: unknown;

  constructor(status: number, problem: unknown, line: string) {
    const member = (name: string) =>
      typeof problem === "object" && problem !== null && name in problem
        ? String((problem as Readonly<Record<string, unknown>>)[name])
        : null;
    super(`${line} gave ${status}${member("detail") === null ? "" : `: ${member("detail")}`}`);
    this.status = status;
    this.code = member("code");
    this.problem = problem;
  }
}

/**
 * Calls a route by its value: `await call(show, { params: { id: 7 } })`.
 * Of a route with a schema for each status every declared one is a result: `if (result.status === 404) …`.
 * @throws ClientError for a response that is not 2xx or not declared; what `fetch` throws where there is none.
 */
export function call<Method extends string, Path extends string, Options>(
  route: Route<Method, Path, Options>,
  ...[input, options = {}]: Arguments<CallInput<Path, Options>>
): Promise<CallOutput<Options>> {
  return send(route, (input ?? {}) as UntypedInput, options) as Promise<CallOutput<Options>>;
}

/**
 * The routes of a table by their line: `"GET /users/:id<int>"`. A line does not tell at run time which statuses are results, so a
 * route with a schema for each status is called by its value.
 */
type ByLine<Api> = {
  [Name in keyof Api as LineOf<Api[Name]>]: Api[Name];
};

type LineOf<T> =
  T extends Route<infer Method, infer Path, infer Options>
    ? Options extends { readonly response: infer S }
      ? S extends Schema
        ? `${Method} ${Path}`
        : never
      : `${Method} ${Path}`
    : never;

/** Calls a route of a table by its line. */
export type Caller<Api> = <Line extends keyof ByLine<Api> & string>(
  line: Line,
  ...input: ByLine<Api>[Line] extends Route<infer _Method, infer Path, infer Options>
    ? Arguments<CallInput<Path, Options>>
    : never
) => Promise<ByLine<Api>[Line] extends Route<infer _Method, infer _Path, infer Options> ? CallOutput<Options> : never>;

/**
 * A client by the type of a table alone, which costs a page no schema library:
 * `client<typeof api>({ base })("GET /users/:id<int>", { params: { id: 7 } })`.
 */
export function client<Api>(defaults: CallOptions = {}): Caller<Api> {
  const caller = (line: string, input: UntypedInput = {}, options: CallOptions = {}) =>
    send(createRoute(line as `${string} ${string}`), input, { ...defaults, ...options });
  // The table's types say what each line takes and gives; at run time the line says it all.
  return caller as unknown as Caller<Api>;
}

/** An input without its types. */
interface UntypedInput {
  readonly params?: Readonly<Record<string, never>>;
  readonly query?: Readonly<Record<string, never>>;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, unknown>>;
}

async function send(
  route: Pick<Route, "method" | "path"> & {
    readonly options: unknown;
    readonly url: (...input: never) => string;
  },
  { params = {}, query = {}, headers = {}, json, form }: UntypedInput,
  options: CallOptions,
): Promise<unknown> {
  const { base = "", signal, fetch = globalThis.fetch } = options;
  const path = (route.url as (params: object, query: object) => string)(params, query);
  const content = json === undefined ? toForm(form) : JSON.stringify(json);
  const response = await fetch(base.replace(/\/$/, "") + path, {
    method: route.method,
    headers: {
      accept: "application/json",
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers,
      ...toHeaders(headers),
    },
    ...(content === undefined ? {} : { body: content }),
    ...(signal === undefined ? {} : { signal }),
  });
  const value = await read(response);
  const { status } = response;
  const { response: declared } = route.options as RouteOptions;
  if (declared !== undefined && !isSchema(declared)) {
    if (Object.hasOwn(declared, status)) return { status, data: value };
    throw new ClientError(status, value, `${route.method} ${path}`);
  }
  if (!response.ok) throw new ClientError(status, value, `${route.method} ${path}`);
  return value;
}

function toHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

function toForm(form: UntypedInput["form"]): URLSearchParams | undefined {
  if (form === undefined) return undefined;
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) {
    if (value === undefined) continue;
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) fields.append(name, String(item));
  }
  return fields;
}

async function read(response: Response): Promise<unknown> {
  if (response.status === 204) return null;
  const type = response.headers.get("content-type") ?? "";
  return /^application\/(?:[^;]*\+)?json(?:;|$)/i.test(type) ? response.json() : response.text();
}
