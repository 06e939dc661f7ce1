/**
 * Server spans of OpenTelemetry from the diagnostics channels of the server. The application is unchanged:
 *
 *     node --import ./telemetry.js node_modules/@tsgi/server/dist/cli.js ./app.js
 *
 * A span begins before the handler and ends with the response. `traceparent` of the request makes it a part of the caller's trace, and
 * a span that the handler makes is its child. The names are those of the semantic conventions for HTTP, version 1.45:
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";
import {
  type Attributes,
  context,
  type Context,
  type ContextManager,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";
import {
  ATTR_CLIENT_ADDRESS,
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_NETWORK_PROTOCOL_VERSION,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
  ATTR_URL_SCHEME,
  ATTR_USER_AGENT_ORIGINAL,
} from "@opentelemetry/semantic-conventions";
import type { Exchange, IncomingRequest } from "@tsgi/gateway-spec";

/** The message of `tsgi.exchange.start` and `tsgi.exchange.end`: one object for both. */
interface ExchangeEvent {
  readonly request: IncomingRequest;
  readonly exchange: Exchange;
  readonly status: number | null;
  readonly error: unknown;
}

/** The message of `tsgi.exchange.route`, which the framework publishes. */
interface RouteEvent {
  readonly exchange: Exchange;
  readonly route: string;
}

const METHODS: ReadonlySet<string> = new Set("CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE".split(" "));

const spans = new WeakMap<Exchange, Span>();
const storage = new AsyncLocalStorage<Context>();

/** Call it once, after `trace.setGlobalTracerProvider` and `propagation.setGlobalPropagator`. */
export function traceExchanges(): void {
  context.setGlobalContextManager(contextManager);
  // The server runs the handler with the context that this returns.
  channel("tsgi.exchange.start").bindStore(storage, (message) => start(message as ExchangeEvent));
  channel("tsgi.exchange.route").subscribe((message) => {
    routed(message as RouteEvent);
  });
  channel("tsgi.exchange.end").subscribe((message) => {
    end(message as ExchangeEvent);
  });
}

function start({ request, exchange }: ExchangeEvent): Context {
  const parent = propagation.extract(ROOT_CONTEXT, request.headers, FIELDS);
  const span = trace
    .getTracer("tsgi")
    .startSpan(nameOf(request), { kind: SpanKind.SERVER, attributes: attributesOf(request, exchange) }, parent);
  spans.set(exchange, span);
  return trace.setSpan(parent, span);
}

function routed({ exchange, route }: RouteEvent): void {
  spans.get(exchange)?.setAttribute(ATTR_HTTP_ROUTE, route);
  routes.set(exchange, route);
}

const routes = new WeakMap<Exchange, string>();

function end({ request, exchange, status, error }: ExchangeEvent): void {
  const span = spans.get(exchange);
  if (span === undefined) return;
  const route = routes.get(exchange);
  if (route !== undefined) span.updateName(`${nameOf(request)} ${route}`);
  if (status !== null) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status);
  // A 4xx is no failure of a server; an exchange that did not complete is one, such as CLIENT_DISCONNECTED.
  const failure = status !== null && status >= 500 ? String(status) : error === null ? null : codeOf(error);
  if (failure !== null) span.setAttribute(ATTR_ERROR_TYPE, failure).setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** The name has few values: a method of the conventions, and later the route, but never the path. */
function nameOf({ method }: IncomingRequest): string {
  return METHODS.has(method) ? method : "HTTP";
}

function attributesOf(request: IncomingRequest, { protocol, remoteAddress }: Exchange): Attributes {
  const { method, headers } = request;
  const { protocol: scheme, hostname, port, pathname, search } = new URL(request.url);
  const userAgent = headers.get("user-agent");
  return {
    [ATTR_HTTP_REQUEST_METHOD]: METHODS.has(method) ? method : "_OTHER",
    ...(METHODS.has(method) ? {} : { [ATTR_HTTP_REQUEST_METHOD_ORIGINAL]: method }),
    [ATTR_URL_SCHEME]: scheme.slice(0, -1),
    [ATTR_URL_PATH]: pathname,
    ...(search === "" ? {} : { [ATTR_URL_QUERY]: search.slice(1) }),
    [ATTR_SERVER_ADDRESS]: hostname,
    [ATTR_SERVER_PORT]: port === "" ? (scheme === "https:" ? 443 : 80) : Number(port),
    [ATTR_NETWORK_PROTOCOL_VERSION]: protocol,
    ...(remoteAddress?.transport === "tcp" ? { [ATTR_CLIENT_ADDRESS]: remoteAddress.hostname } : {}),
    ...(userAgent === null ? {} : { [ATTR_USER_AGENT_ORIGINAL]: userAgent }),
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "_OTHER";
}

const FIELDS: TextMapGetter<IncomingRequest["headers"]> = {
  keys: () => [],
  get: (headers, name) => headers.get(name) ?? undefined,
};

/** That of the SDK for Node does the same, but its AsyncLocalStorage, which the channel needs, is private. */
const contextManager: ContextManager = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, run, thisArg, ...args) => storage.run(active, () => run.apply(thisArg as never, args)),
  bind: (active, target) =>
    typeof target === "function"
      ? (((...args: unknown[]) =>
          storage.run(active, () => (target as (...args: unknown[]) => unknown)(...args))) as typeof target)
      : target,
  enable: () => contextManager,
  disable: () => contextManager,
};
