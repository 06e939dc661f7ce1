/** `toFetch`: an application on any Fetch host. */
import type {
  Address,
  Application,
  Exchange,
  Handler,
  HeaderView,
  IncomingRequest,
  Logger,
  OutgoingResponse,
} from "../../index.ts";
import { tcpAddress } from "../../server-kit/addresses.ts";
import { CONNECTION_FIELDS, eachField } from "../../server-kit/fields.ts";
import { checkStatus } from "../../server-kit/handler-result.ts";
import { currentScope } from "../../server-kit/handler-scope.ts";
import { Lifespan, lifespanHandle, type LifespanHandle } from "../../server-kit/lifespan.ts";
import { clientDisconnected, plainResponse, type PlainResponse } from "../../server-kit/refusals.ts";
import {
  type BodySource,
  cancelBody,
  ContentCheck,
  hasNoContent,
  isWhole,
  lengthMismatch,
  noContent,
  openBody,
} from "../../server-kit/response-body.ts";
import { ServerExchange } from "../../server-kit/server-exchange.ts";
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
    const exchange = new FetchExchange(lifespan, request, info, context);
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

/** A `Request` would fit, except for its signal: hosts abort it with reasons of their own, some of them on success. */
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

class FetchExchange extends ServerExchange {
  readonly protocol = "1.1";
  readonly localAddress = null;
  readonly tls = null;
  readonly request: IncomingRequest;
  readonly #request: Request;
  readonly #info: unknown;
  readonly #context: FetchContext | undefined;
  readonly #response = Promise.withResolvers<Response>();
  /** The stream of a body in pieces, which its host may be reading. */
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(lifespan: Lifespan, request: Request, info: unknown, context: FetchContext | undefined) {
    super(lifespan);
    this.#request = request;
    this.#info = info;
    this.#context = context;
    this.request = new FetchRequest(request, this);
  }

  /** What the host gets. It never rejects. */
  get response(): Promise<Response> {
    return this.#response.promise;
  }

  get target(): string {
    const { pathname, search } = new URL(this.#request.url);
    return pathname + search;
  }

  get encrypted(): boolean {
    return this.#request.url.startsWith("https:");
  }

  get peerAddress(): Address | null {
    return toAddress(this.#request, this.#info);
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

  override respond(response: unknown): void {
    super.respond(response);
    this.#release();
  }

  override handlerFailed(error: unknown): void {
    super.handlerFailed(error);
    this.#release();
  }

  protected get headSent(): boolean {
    return this.#controller !== null;
  }

  protected override observe(): void {
    const { signal } = this.#request;
    const abort = () => {
      this.fail(clientDisconnected(signal.reason));
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }

  protected send(response: OutgoingResponse): void {
    const { status, body } = response;
    checkStatus(status);
    if (hasNoContent(this.#request.method, status)) {
      this.#give(new Response(null, { status, headers: toHeaders(response) }));
      cancelBody(body, noContent());
      return;
    }
    // The host reads a Response of its own the fastest way, unless the application observes how the exchange ends.
    if (response instanceof Response && !this.observed) {
      this.#give(response);
      return;
    }
    const headers = toHeaders(response);
    const announced = headers.get("content-length");
    const length = announced === null ? -1 : Number(announced);
    if (body === null || body === undefined || isWhole(body)) {
      // As bytes: a Response made of a string adds a Content-Type.
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : (body ?? null);
      const given = bytes?.byteLength ?? 0;
      if (length !== -1 && length !== given) throw lengthMismatch(length, given);
      // A view on shared memory is no BodyInit; the contract's bodies are not shared.
      this.#give(new Response(bytes as Uint8Array<ArrayBuffer> | null, { status, headers }));
      return;
    }
    this.#response.resolve(new Response(this.#toStream(openBody(body), length), { status, headers }));
  }

  protected sendFailure({ status, headers, body }: PlainResponse): void {
    this.#response.resolve(new Response(this.#request.method === "HEAD" ? null : body, { status, headers }));
  }

  protected terminate(): void {
    this.#controller?.error(this.failure?.cause ?? this.failure);
  }

  #give(response: Response): void {
    this.#response.resolve(response);
    this.succeed();
  }

  /** The host waits for a response even when the client is gone. */
  #release(): void {
    if (this.failure?.code === "CLIENT_DISCONNECTED") this.sendFailure(plainResponse(500, this.failure.message));
  }

  /** Pulled by the host, which pulls when the client has read; the BodyWriter of the kit is for sinks that are pushed to. */
  #toStream(source: BodySource, contentLength: number): ReadableStream<Uint8Array> {
    const inScope = currentScope();
    const check = new ContentCheck(contentLength);
    const encoder = new TextEncoder();
    const next = () => source.next();
    this.responseBody = { release: (reason) => source.cancel(reason) };
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          void this.signal;
        },
        pull: async (controller) => {
          try {
            for (;;) {
              const { done, value } = await inScope(next);
              if (done === true) break;
              const bytes = typeof value === "string" ? encoder.encode(value) : value;
              if (check.piece(bytes) === 0 || bytes === undefined) continue;
              controller.enqueue(bytes);
              return;
            }
            check.end();
            this.responseBody = null;
            this.succeed();
            controller.close();
          } catch (error) {
            this.handlerFailed(error);
          }
        },
        cancel: (reason) => {
          this.fail(clientDisconnected(reason));
        },
      },
      { highWaterMark: 0 },
    );
  }
}

function toHeaders({ status, headers: fields }: OutgoingResponse): Headers {
  const headers = new Headers();
  if (fields === undefined) return headers;
  eachField(fields, (name, value) => {
    const lower = name.toLowerCase();
    // The fields of the connection are the host's (TSGI-18), and trailers cannot follow.
    if (!CONNECTION_FIELDS.has(lower) && lower !== "trailer") headers.append(name, value);
  });
  if (status === 204) headers.delete("content-length");
  return headers;
}

async function* content(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* stream;
  } catch (error) {
    throw clientDisconnected(error);
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
  return typeof hostname === "string" && typeof port === "number" ? tcpAddress(hostname, port) : null;
}
