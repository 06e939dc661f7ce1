/** `fromFetch`: a Fetch-style handler, or an object with one such as a Hono app, as a TSGI application. */
import type { Application, Awaitable, Exchange } from "../../index.ts";
import { teachGlobals, toLazyRequest, toRequest } from "./lazy-request.ts";

/** The third argument that Fetch hosts give a handler. */
export interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void;
  /** There is nothing to pass through to: an exception is a 500. */
  passThroughOnException(): void;
  readonly props: Readonly<Record<string, unknown>>;
}

export type FetchHandler = (request: Request, exchange: Exchange, context: ExecutionContext) => Awaitable<Response>;

export interface FromFetchOptions {
  /**
   * Hands over a genuine `Request` each time and leaves the globals `Request` and `fetch` alone, at some ten microseconds a
   * request. Default: a `Request` that is built when it is needed; the globals learn to take it at the first `fromFetch`.
   */
  readonly genuineRequests?: boolean;
}

/**
 * Runs a Fetch-style handler on any TSGI server. Its second argument (Hono's `c.env`) is the exchange, its third has `waitUntil`;
 * `request.signal` is the exchange's. A `Response` fits the contract and goes back as it is.
 *
 * ```ts
 * import { fromFetch } from "@tsgi/gateway-spec/fetch";
 * import { Hono } from "hono";
 *
 * const app = new Hono().get("/", (c) => c.text(`Hello from ${c.req.header("host")}\n`));
 * export const application = fromFetch(app);
 * ```
 *
 * Content of a GET or HEAD request is not handed over: a `Request` has no place for it.
 */
export function fromFetch(
  app: FetchHandler | { readonly fetch: FetchHandler },
  { genuineRequests = false }: FromFetchOptions = {},
): Application {
  if (!genuineRequests) teachGlobals();
  const toWebRequest = genuineRequests ? toRequest : toLazyRequest;
  return {
    fetch: (request, exchange) => {
      const webRequest = toWebRequest(request);
      const context = new ExchangeContext(exchange);
      return typeof app === "function" ? app(webRequest, exchange, context) : app.fetch(webRequest, exchange, context);
    },
  };
}

class ExchangeContext implements ExecutionContext {
  readonly props: Readonly<Record<string, unknown>> = {};
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  waitUntil(work: Promise<unknown>): void {
    this.#exchange.waitUntil(work);
  }

  passThroughOnException(): void {
    // Said in the interface.
  }
}
