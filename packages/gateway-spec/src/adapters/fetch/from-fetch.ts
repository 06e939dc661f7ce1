/** `fromFetch`: a Fetch-style handler, or an object with one such as a Hono app, as a TSGI application. */
import type { Application, Awaitable, Exchange } from "../../index.ts";
import { plainResponse } from "../../server-kit/refusals.ts";
import { replaceGlobals, toLazyRequest } from "./lazy-request.ts";
import { isForbiddenMethod, toWebRequest } from "./web-request.ts";

/** The third argument that Fetch hosts pass to a handler. */
export interface ExecutionContext {
  /** As `waitUntil` of the exchange. */
  waitUntil(work: Promise<unknown>): void;
  /** Does nothing: there is no origin server behind this one, so an exception is a 500. */
  passThroughOnException(): void;
  /** Always empty here. */
  readonly props: Readonly<Record<string, unknown>>;
}

/** A `fetch` function as workers, Bun and Hono have it. The second argument is the exchange, where a worker has its `env`. */
export type FetchHandler = (request: Request, exchange: Exchange, context: ExecutionContext) => Awaitable<Response>;

/** How the web `Request` is made. */
export interface FromFetchOptions {
  /**
   * `false` passes a `Request` that is made when it is needed, which saves some ten microseconds a request, and replaces the globals
   * `Request` and `fetch` by proxies that accept it. Default `true`: a genuine `Request`, and no global is changed.
   */
  readonly genuineRequests?: boolean;
}

/**
 * Runs a Fetch-style handler on any TSGI server. Its second argument (Hono's `c.env`) is the exchange, its third has `waitUntil`.
 * `request.signal` follows the exchange's. A `Response` is returned as it is, because it fits the contract.
 *
 * ```ts
 * import { fromFetch } from "@tsgi/gateway-spec/fetch";
 * import { Hono } from "hono";
 *
 * const app = new Hono().get("/", (c) => c.text(`Hello from ${c.req.header("host")}\n`));
 * export const application = fromFetch(app);
 * ```
 *
 * `request.url` is normalized as by `new Request(url)`: a guard and the code behind it see one path. The target as received is
 * `exchange.target`. Two things that HTTP permits do not fit a `Request`: content of GET and HEAD is not passed on, and CONNECT,
 * TRACE and TRACK get 501.
 */
export function fromFetch(
  app: FetchHandler | { readonly fetch: FetchHandler },
  { genuineRequests = true }: FromFetchOptions = {},
): Application {
  if (!genuineRequests) replaceGlobals();
  const toRequest = genuineRequests ? toWebRequest : toLazyRequest;
  return {
    fetch: (incoming, exchange) => {
      if (isForbiddenMethod(incoming.method)) return plainResponse(501, "Not Implemented");
      const request = toRequest(incoming);
      const context = new ExchangeContext(exchange);
      return typeof app === "function" ? app(request, exchange, context) : app.fetch(request, exchange, context);
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
    // See the interface.
  }
}
