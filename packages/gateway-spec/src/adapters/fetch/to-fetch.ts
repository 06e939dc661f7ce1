/** `toFetch`: an application on any Fetch host. */
import type { Address, Application, Exchange, Handler, Logger } from "../../index.ts";
import { tcpAddress } from "../../server-kit/addresses.ts";
import { FetchExchange } from "../../server-kit/fetch/exchange.ts";
import { Lifespan, lifespanHandle, type LifespanHandle } from "../../server-kit/lifespan.ts";
import { VERSION } from "../../version.ts";

/** The third argument that a host passes. */
export interface FetchContext {
  waitUntil?(work: Promise<unknown>): void;
}

/** The log of the adapter. */
export interface ToFetchOptions {
  /** Default: warnings and errors to the standard error stream. */
  readonly logger?: Logger;
}

/** `info` is the host's second argument: Deno's and Bun's give the client's address, others are ignored. */
export type FetchListener = ((request: Request, info?: unknown, context?: FetchContext) => Promise<Response>) &
  LifespanHandle;

/**
 * Runs an application on a Fetch host: Bun, Deno, a worker, or mounted in another Fetch-style app.
 *
 * ```ts
 * import { toFetch } from "@tsgi/gateway-spec/fetch";
 *
 * const fetch = toFetch((request) => ({ status: 200, body: `You asked for ${request.url}\n` }));
 * export default { fetch }; // Bun, workers; `Deno.serve(fetch)`; `hono.mount("/ours", fetch)`
 * ```
 *
 * `startup` runs at the first request or at `fetch.start()`; while it fails, requests get 500. What Fetch lacks is absent:
 * trailers (those of a response are dropped and not asked for), informational responses, WebSockets, addresses where the host
 * gives none. The URL comes normalized, `target` is made of it, and `protocol` is always `1.1`.
 */
export function toFetch<State>(
  application: Application<State> | Handler,
  { logger }: ToFetchOptions = {},
): FetchListener {
  const lifespan = new Lifespan(application, `tsgi-to-fetch/${VERSION}`, logger);
  const listener = (request: Request, info?: unknown, context?: FetchContext): Promise<Response> => {
    const exchange = new HostedExchange(lifespan, request, info, context);
    if (lifespan.started) exchange.run(null);
    else {
      lifespan.start().then(
        () => exchange.run(null),
        (error: unknown) => exchange.handlerFailed(error),
      );
    }
    return exchange.response;
  };
  return Object.assign(listener, lifespanHandle(lifespan));
}

class HostedExchange extends FetchExchange {
  readonly localAddress = null;
  readonly #info: unknown;
  readonly #context: FetchContext | undefined;

  constructor(lifespan: Lifespan, request: Request, info: unknown, context: FetchContext | undefined) {
    // The host limits the content.
    super({ lifespan, maxBodyBytes: Number.POSITIVE_INFINITY }, request);
    this.#info = info;
    this.#context = context;
  }

  get encrypted(): boolean {
    return this.source.url.startsWith("https:");
  }

  get peerAddress(): Address | null {
    return toAddress(this.source, this.#info);
  }

  protected override finishHeaders(headers: Headers): void {
    // The host keeps the connection unless the response says that it closes.
    if (this.lifespan.isDraining) headers.set("connection", "close");
  }

  override get waitUntil(): Exchange["waitUntil"] {
    const context = this.#context;
    const { waitUntil } = this.lifespan;
    if (context?.waitUntil === undefined) return waitUntil;
    return (work) => {
      waitUntil(work);
      // A worker is suspended when its response has been sent, unless its host knows of the work too.
      context.waitUntil?.(Promise.resolve(work).catch(() => undefined));
    };
  }
}

function toAddress(request: Request, info: unknown): Address | null {
  if (typeof info !== "object" || info === null) return null;
  if ("remoteAddr" in info) return fromParts(info.remoteAddr, "hostname");
  if ("requestIP" in info && typeof info.requestIP === "function") {
    return fromParts((info.requestIP as (request: Request) => unknown).call(info, request), "address");
  }
  return null;
}

function fromParts(parts: unknown, name: "hostname" | "address"): Address | null {
  if (typeof parts !== "object" || parts === null) return null;
  const { [name]: hostname, port } = parts as Readonly<Record<string, unknown>>;
  return typeof hostname === "string" && typeof port === "number" ? tcpAddress(hostname, port) : null;
}
