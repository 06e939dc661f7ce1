/** `toFetch`: our applications on any Fetch host. */
import { exchangeError, failureResponse, refusalStatus } from "../../server-kit/refusals.ts";
import { eachField } from "../../server-kit/fields.ts";
import type {
  Address,
  Application,
  Exchange,
  ExchangeError,
  Handler,
  HeaderView,
  IncomingRequest,
  Logger,
  OutgoingResponse,
} from "../../index.ts";
import { type BodySource, cancelBody, hasNoContent, isWhole, openBody } from "../../server-kit/response-body.ts";
import { createLifespan, type Hosted, type Lifespan } from "../lifespan.ts";

/** A host's third argument. */
export interface FetchContext {
  waitUntil?(work: Promise<unknown>): void;
}

export interface ToFetchOptions {
  /** Default: warnings and errors to the standard error stream. */
  readonly logger?: Logger;
}

/** `info` is the host's second argument: Deno's and Bun's are asked for the client's address, others are ignored. */
export type FetchListener = ((request: Request, info?: unknown, context?: FetchContext) => Promise<Response>) & Hosted;

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
 * says none. The URL comes normalised, `target` is made of it, and `protocol` is always `1.1`.
 */
export function toFetch<State>(
  application: Application<State> | Handler,
  { logger = console }: ToFetchOptions = {},
): FetchListener {
  const info = { software: "tsgi-to-fetch/0.1.0", specVersion: "1.0" };
  const lifespan = createLifespan(application, info, (message, error) => {
    logger.error(message, error);
  });
  const listener = async (request: Request, info?: unknown, context?: FetchContext): Promise<Response> => {
    const exchange = new FetchExchange(request, info, context, lifespan, logger);
    let response: OutgoingResponse | undefined;
    try {
      if (!lifespan.started) await lifespan.start();
      response = await lifespan.handler(exchange.request, exchange);
      return exchange.toResponse(response);
    } catch (error) {
      exchange.handlerFailed(error);
      cancelBody(response?.body, error);
      const { status, headers, body } = failureResponse(error);
      return new Response(request.method === "HEAD" ? null : body, { status, headers });
    }
  };
  return Object.assign(listener, { start: lifespan.start, close: lifespan.close });
}

/** The request's side. A `Request` would fit, but for its signal: hosts abort it with reasons of their own, some on success. */
class FetchRequest implements IncomingRequest {
  readonly #request: Request;
  readonly #exchange: FetchExchange;
  #body: AsyncIterable<Uint8Array> | null | undefined = undefined;

  constructor(request: Request, exchange: FetchExchange) {
    this.#request = request;
    this.#exchange = exchange;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    const { url } = this.#request;
    const fragment = url.indexOf("#");
    return fragment === -1 ? url : url.slice(0, fragment);
  }

  get headers(): HeaderView {
    return this.#request.headers;
  }

  get body(): AsyncIterable<Uint8Array> | null {
    if (this.#body === undefined) {
      const { body } = this.#request;
      this.#body = body === null ? null : content(body);
    }
    return this.#body;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}

class FetchExchange implements Exchange {
  readonly protocol = "1.1";
  readonly localAddress = null;
  readonly tls = null;
  readonly request: IncomingRequest;
  readonly #request: Request;
  readonly #info: unknown;
  readonly #context: FetchContext | undefined;
  readonly #lifespan: Lifespan;
  readonly #logger: Logger;
  #controller: AbortController | null = null;
  #completed: PromiseWithResolvers<void> | null = null;
  #outcome: "running" | "sent" | ExchangeError = "running";
  #source: BodySource | null = null;
  #watching = false;

  constructor(request: Request, info: unknown, context: FetchContext | undefined, lifespan: Lifespan, logger: Logger) {
    this.#request = request;
    this.#info = info;
    this.#context = context;
    this.#lifespan = lifespan;
    this.#logger = logger;
    this.request = new FetchRequest(request, this);
  }

  get target(): string {
    const { pathname, search } = new URL(this.#request.url);
    return pathname + search;
  }

  get encrypted(): boolean {
    return this.#request.url.startsWith("https:");
  }

  get remoteAddress(): Address | null {
    return toAddress(this.#request, this.#info);
  }

  get peerAddress(): Address | null {
    return this.remoteAddress;
  }

  get state(): unknown {
    return this.#lifespan.state;
  }

  get draining(): AbortSignal {
    return this.#lifespan.draining;
  }

  get completed(): Promise<void> {
    if (this.#completed === null) {
      this.#completed = Promise.withResolvers<void>();
      this.#completed.promise.catch(() => undefined);
      this.#watch();
      if (this.#outcome === "sent") this.#completed.resolve();
      else if (this.#outcome !== "running") this.#completed.reject(this.#outcome);
    }
    return this.#completed.promise;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      this.#watch();
      if (typeof this.#outcome === "object") this.#controller.abort(this.#outcome);
    }
    return this.#controller.signal;
  }

  waitUntil(work: Promise<unknown>): void {
    this.#lifespan.waitUntil(work);
    // A worker is put to sleep when its response is sent, unless its host knows of the work too.
    this.#context?.waitUntil?.(work.catch(() => undefined));
  }

  /** @throws TypeError where the application's response breaks the contract. */
  toResponse(response: OutgoingResponse): Response {
    const { status, body } = response;
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new TypeError(`A response's status must be an integer from 200 to 599, not ${String(status)}`);
    }
    if (hasNoContent(this.#request.method, status)) {
      const bare = new Response(null, { status, headers: toHeaders(response) });
      this.#sent();
      cancelBody(body, new Error("The response has no content"));
      return bare;
    }
    // The host knows best what to do with a Response, unless somebody here wants to hear how it went.
    if (response instanceof Response && !this.#watching) {
      this.#sent();
      return response;
    }
    const headers = toHeaders(response);
    const length = headers.get("content-length");
    if (body === null || body === undefined || isWhole(body)) {
      // As bytes: a Response made of a string adds a Content-Type.
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : (body ?? null);
      if (length !== null && Number(length) !== (bytes?.byteLength ?? 0)) {
        throw new TypeError(`The response announces ${length} bytes and its body has ${bytes?.byteLength ?? 0}`);
      }
      // A view on shared memory is no BodyInit; the contract's bodies are not shared.
      const whole = new Response(bytes as Uint8Array<ArrayBuffer> | null, { status, headers });
      this.#sent();
      return whole;
    }
    return new Response(this.#toStream(openBody(body), length === null ? null : Number(length)), { status, headers });
  }

  handlerFailed(error: unknown): void {
    const line = `${this.#request.method} ${this.target}`;
    const status = refusalStatus(error);
    if (status === 500) this.#logger.error(`${line} failed`, error);
    else this.#logger.warn(`${line} refused with ${status}: ${(error as Error).message}`);
    this.#fail(exchangeError("RESPONSE_FAILED", "The response could not be completed", error));
  }

  #toStream(source: BodySource, contentLength: number | null): ReadableStream<Uint8Array> {
    this.#source = source;
    this.#watch();
    let left = contentLength ?? Number.POSITIVE_INFINITY;
    const encoder = new TextEncoder();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            for (;;) {
              const { done, value } = await source.next();
              if (done === true) break;
              if (value === undefined || value.length === 0) continue;
              if (typeof value !== "string" && !(value instanceof Uint8Array)) {
                throw new TypeError(`A piece of a response body must be a string or bytes, not ${typeof value}`);
              }
              const bytes = typeof value === "string" ? encoder.encode(value) : value;
              left -= bytes.byteLength;
              if (left < 0) throw new TypeError("The response body is longer than its Content-Length");
              controller.enqueue(bytes);
              return;
            }
            if (contentLength !== null && left > 0) {
              throw new TypeError("The response body is shorter than its Content-Length");
            }
            this.#source = null;
            this.#sent();
            controller.close();
          } catch (error) {
            if (this.#outcome === "running") this.handlerFailed(error);
            controller.error(error);
          }
        },
        cancel: (reason) => {
          this.#fail(exchangeError("CLIENT_DISCONNECTED", "The client went away", reason));
        },
      },
      { highWaterMark: 0 },
    );
  }

  #sent(): void {
    if (this.#outcome !== "running") return;
    this.#outcome = "sent";
    this.#completed?.resolve();
  }

  #fail(error: ExchangeError): void {
    if (this.#outcome !== "running") return;
    this.#outcome = error;
    this.#controller?.abort(error);
    this.#source?.cancel(error);
    this.#source = null;
    this.#completed?.reject(error);
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { signal } = this.#request;
    const gone = () => {
      this.#fail(exchangeError("CLIENT_DISCONNECTED", "The client went away", signal.reason));
    };
    if (signal.aborted) gone();
    else signal.addEventListener("abort", gone, { once: true });
  }
}

/** Fields of the connection are the host's (TSGI-18), and trailers cannot follow. */
const NOT_SENT: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

function toHeaders(response: OutgoingResponse): Headers {
  const headers = new Headers();
  if (response.headers === undefined) return headers;
  eachField(response.headers, (name, value) => {
    if (!NOT_SENT.has(name.toLowerCase())) headers.append(name, value);
  });
  if (response.status === 204) headers.delete("content-length");
  return headers;
}

async function* content(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* stream;
  } catch (error) {
    throw exchangeError("CLIENT_DISCONNECTED", "The client went away before the end of the request body", error);
  }
  return undefined;
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
  return typeof hostname === "string" && typeof port === "number" ? { transport: "tcp", hostname, port } : null;
}
