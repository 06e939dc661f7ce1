/**
 * What a handler gets: the request, its checked parts, and the usual ways to respond. One class with fixed fields serves every
 * route; a member that is not used costs nothing. Every member may be taken out of the context: `({ params, render }) => …`.
 */
import type { Awaitable, Exchange, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { readForm, readJson, readText, type ReadOptions } from "@tsgi/gateway-spec/body";
import { cancelBody } from "@tsgi/gateway-spec/server-kit";
import { readCookies, writeCookie } from "./cookies/cookies.ts";
import type { HttpError } from "./errors.ts";
import { Html } from "./html.ts";
import { baseOf } from "./mount.ts";
import { addVary, fieldLines, replaceField, withFields, type FieldLine } from "./response-fields.ts";
import { Reply, reply } from "./results.ts";
import type { ParamValue, QueryValue } from "./router/path.ts";
import { queryOf } from "./router/request-path.ts";
import { isThenable } from "./thenable.ts";
import type { AfterHook, BareContext, UrlFor } from "./types.ts";
import { toSearchParams } from "./validation/text.ts";

/** What the application lends to its contexts. */
export interface Services {
  readonly base: string | undefined;
  urlFor(
    name: string,
    params?: Readonly<Record<string, ParamValue>>,
    query?: Readonly<Record<string, QueryValue>>,
  ): string;
  renderView(view: string, data: object, layout: string | null | undefined, context: RequestContext): string;
  /** Logs an error that became a response. */
  report(error: HttpError, context: Pick<RequestContext, "request">): void;
}

/** The parts of a request that a route declares, once they are checked. */
export interface CheckedParts {
  params?: object;
  query?: unknown;
  headers?: unknown;
  cookies?: unknown;
  form?: unknown;
  json?: unknown;
}

export class RequestContext<State = unknown> implements BareContext<State> {
  readonly request: IncomingRequest;
  readonly exchange: Exchange<State>;
  /** `request.url`, which a server may put together each time. */
  readonly href: string;
  readonly route: BareContext["route"];
  params: object;
  /** Status of a reply that does not name one. */
  status: number | undefined = undefined;
  readonly #services: Services;
  #checked: CheckedParts = NOTHING_CHECKED;
  #url: URL | undefined;
  #query: URLSearchParams | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;
  #fields: readonly FieldLine[] | undefined;
  #hooks: AfterHook[] | undefined;
  #needs: Map<unknown, unknown> | undefined;

  constructor(
    services: Services,
    request: IncomingRequest,
    exchange: Exchange<State>,
    href: string,
    params: object,
    route: BareContext["route"],
  ) {
    this.request = request;
    this.exchange = exchange;
    this.href = href;
    this.route = route;
    this.params = params;
    this.#services = services;
  }

  /** Takes the checked parts over, before the handler runs. */
  accept(checked: CheckedParts): void {
    this.#checked = checked;
    if (checked.params !== undefined) this.params = { ...this.params, ...checked.params };
  }

  get url(): URL {
    return (this.#url ??= new URL(this.href));
  }

  get base(): string {
    return this.#services.base ?? baseOf(this.request, this.exchange);
  }

  get query(): unknown {
    if ("query" in this.#checked) return this.#checked.query;
    return (this.#query ??= toSearchParams(queryOf(this.href)));
  }

  get headers(): unknown {
    return "headers" in this.#checked ? this.#checked.headers : this.request.headers;
  }

  get cookies(): unknown {
    if ("cookies" in this.#checked) return this.#checked.cookies;
    return (this.#cookies ??= readCookies(this.request));
  }

  get text(): BareContext["text"] {
    return (options) => readText(this.request, readOptions(this.route, options));
  }

  get json(): unknown {
    if ("json" in this.#checked) return this.#checked.json;
    return (options?: ReadOptions) => readJson(this.request, readOptions(this.route, options));
  }

  get form(): unknown {
    if ("form" in this.#checked) return this.#checked.form;
    return (options?: ReadOptions) => readForm(this.request, readOptions(this.route, options));
  }

  get render(): BareContext["render"] {
    return (view, data = {}, { layout, ...options } = {}) =>
      this.reply(new Html(this.#services.renderView(view, data, layout, this)), options);
  }

  get reply(): BareContext["reply"] {
    return (data, options) => reply(data, this.status === undefined ? options : { status: this.status, ...options });
  }

  get redirect(): BareContext["redirect"] {
    return (location, status = 303) =>
      new Reply(status, { location: location.toWellFormed().replaceAll(NOT_IN_URLS, encodeURIComponent) }, null);
  }

  get header(): BareContext["header"] {
    return (name, value) => void (this.#fields = setField(this.#fields ?? [], name, value));
  }

  get cookie(): BareContext["cookie"] {
    return (name, value, options) => {
      this.header("set-cookie", writeCookie(name, value, options));
    };
  }

  get after(): BareContext["after"] {
    return (hook) => void (this.#hooks ??= []).push(hook);
  }

  get need(): BareContext<State>["need"] {
    return <Result>(need: (context: BareContext<State>) => Result): Result => {
      const results = (this.#needs ??= new Map());
      if (!results.has(need)) results.set(need, need(this));
      return results.get(need) as Result;
    };
  }

  get urlFor(): UrlFor {
    return (
      target: string | { readonly url: (...input: readonly never[]) => string },
      ...input: readonly unknown[]
    ) => {
      const path =
        typeof target === "string"
          ? this.#services.urlFor(target, ...(input as [Readonly<Record<string, ParamValue>>?]))
          : target.url(...(input as never[]));
      return this.base + path;
    };
  }

  reportError(error: HttpError): void {
    this.#services.report(error, this);
  }

  /** Drops the header fields that a handler set before it failed. */
  dropFields(): void {
    this.#fields = undefined;
  }

  /** The response with the header fields that were set, after the hooks. */
  finish(response: OutgoingResponse): Awaitable<OutgoingResponse> {
    const complete = this.#fields === undefined ? response : mergeFields(response, this.#fields);
    const hooks = this.#hooks;
    if (hooks === undefined) return complete;
    // Each hook runs once, also where one of them fails.
    this.#hooks = undefined;
    const fail = (error: unknown): never => {
      // A file or a stream that is not sent must be closed.
      cancelBody(complete.body, error);
      throw error;
    };
    try {
      const finished = runHooks(hooks, complete);
      return isThenable(finished) ? Promise.resolve(finished).catch(fail) : finished;
    } catch (error) {
      return fail(error);
    }
  }
}

const NOTHING_CHECKED: CheckedParts = Object.freeze({});

/** Controls, spaces, and characters that are not ASCII. */
const NOT_IN_URLS = /[^\x21-\x7e]+/g;

function setField(lines: readonly FieldLine[], name: string, value: string): readonly FieldLine[] {
  const lower = name.toLowerCase();
  if (lower === "set-cookie") return [...lines, [lower, value]];
  if (lower === "vary") return addVary(lines, ...value.split(",").map((item) => item.trim()));
  return replaceField(lines, lower, value);
}

function mergeFields(response: OutgoingResponse, fields: readonly FieldLine[]): OutgoingResponse {
  const lines = fields.reduce((merged, [name, value]) => setField(merged, name, value), fieldLines(response.headers));
  return withFields(response, lines);
}

function runHooks(hooks: readonly AfterHook[], response: OutgoingResponse, from = 0): Awaitable<OutgoingResponse> {
  let current = response;
  for (let i = from; i < hooks.length; i += 1) {
    const next = hooks[i]?.(current) ?? current;
    if (isThenable(next)) return Promise.resolve(next).then((later) => runHooks(hooks, later, i + 1));
    current = next;
  }
  return current;
}

function readOptions(route: BareContext["route"], options: ReadOptions | undefined): ReadOptions | undefined {
  const limitBytes = route?.options.maxBodyBytes;
  return options ?? (limitBytes === undefined ? undefined : { limitBytes });
}
