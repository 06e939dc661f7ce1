/** Calls an application with no server and no socket: a request in, the whole response out, by the rules of SPEC.md. */
import { exchangeError } from "./server-kit/refusals.ts";
import { eachField, toHeaderView } from "./server-kit/fields.ts";
import type {
  Application,
  Exchange,
  Handler,
  HeaderFields,
  HeaderView,
  IncomingRequest,
  OutgoingResponse,
} from "./index.ts";
import { cancelBody, hasNoContent, isWhole, openBody } from "./server-kit/response-body.ts";

export interface TestRequest {
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: HeaderFields;
  /** Sent as one piece, or piece by piece from an iterable. A string is UTF-8. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Aborting it is the client going away. */
  readonly signal?: AbortSignal;
  /** Members of the exchange to replace, such as `{ encrypted: true }`. */
  readonly exchange?: Partial<Exchange>;
}

export interface TestResponse {
  readonly status: number;
  readonly headers: HeaderView;
  readonly body: Uint8Array;
  readonly trailers: HeaderView;
  /** The body as UTF-8. */
  text(): string;
  /** The body as JSON. @throws SyntaxError */
  json(): unknown;
}

export interface TestClient extends AsyncDisposable {
  /**
   * @param target path and query, or an absolute URL. Default authority `http://test.localhost`.
   * @returns once the body has been read to its end. Rejects with what the handler threw.
   */
  request(target: string, request?: TestRequest): Promise<TestResponse>;
  /** Drains, waits for `waitUntil`, and shuts the application down. */
  close(): Promise<void>;
}

/** Starts an application in this process. Rejects with what its `startup` threw. */
export async function createTestClient<State>(application: Application<State> | Handler): Promise<TestClient> {
  const app = toApplication(application);
  // Without a startup there is no state, and State is unknown or undefined.
  const state = (await app.startup?.({ software: "tsgi-test-client", specVersion: "1.0" })) as State;
  const draining = new AbortController();
  const pending = new Set<Promise<unknown>>();

  const request = async (target: string, options: TestRequest = {}): Promise<TestResponse> => {
    const url = new URL(target, "http://test.localhost");
    const failure = new AbortController();
    const completed = Promise.withResolvers<undefined>();
    completed.promise.catch(() => undefined);
    const fail = (error: unknown) => {
      failure.abort(error);
      completed.reject(error);
    };
    const gone = () => {
      fail(exchangeError("CLIENT_DISCONNECTED", "The client went away", options.signal?.reason));
    };
    options.signal?.addEventListener("abort", gone, { once: true });
    if (options.signal?.aborted === true) gone();

    const headers = toHeaderView([["host", url.host], ...pairs(options.headers), ...framing(options)]);
    const incoming: IncomingRequest = {
      method: options.method ?? "GET",
      url: url.href,
      headers,
      body: toBody(options.body),
      signal: failure.signal,
    };
    const exchange: Exchange<State> = {
      target: url.pathname + url.search,
      protocol: "1.1",
      encrypted: url.protocol === "https:",
      remoteAddress: { transport: "tcp", hostname: "127.0.0.1", port: 50_000 },
      peerAddress: { transport: "tcp", hostname: "127.0.0.1", port: 50_000 },
      localAddress: { transport: "tcp", hostname: "127.0.0.1", port: 80 },
      tls: null,
      draining: draining.signal,
      completed: completed.promise,
      waitUntil: (work) => {
        const settled = work.catch(() => undefined).finally(() => pending.delete(settled));
        pending.add(settled);
      },
      ...options.exchange,
      state,
    };
    try {
      const response = await app.fetch(incoming, exchange);
      const body = await readBody(incoming.method, response, failure.signal);
      const trailers = toHeaderView(await response.trailers?.());
      completed.resolve(undefined);
      return {
        status: response.status,
        headers: toHeaderView(response.headers),
        body,
        trailers,
        text: () => new TextDecoder().decode(body),
        json: () => JSON.parse(new TextDecoder().decode(body)) as unknown,
      };
    } catch (error) {
      fail(exchangeError("RESPONSE_FAILED", "The application failed", error));
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", gone);
    }
  };

  let closing: Promise<void> | undefined;
  const close = () =>
    (closing ??= (async () => {
      draining.abort(exchangeError("SERVER_CLOSED", "The server is shutting down"));
      while (pending.size > 0) await Promise.all(pending);
      await app.shutdown?.(state);
    })());
  return { request, close, [Symbol.asyncDispose]: close };
}

/** A bare handler as an application. */
function toApplication<State>(application: Application<State> | Handler): Application<State> {
  return typeof application === "function" ? { fetch: application } : application;
}

function pairs(fields: HeaderFields | undefined): readonly (readonly [string, string])[] {
  const list: (readonly [string, string])[] = [];
  if (fields !== undefined) eachField(fields, (name, value) => void list.push([name, value]));
  return list;
}

/** The field that announces the content, as a client would send it; not where the caller gave one. */
function framing({ body, headers }: TestRequest): readonly (readonly [string, string])[] {
  const given = toHeaderView(headers);
  if (body === undefined || given.has("content-length") || given.has("transfer-encoding")) return [];
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return [["transfer-encoding", "chunked"]];
  return [["content-length", String(Buffer.byteLength(body))]];
}

function toBody(body: TestRequest["body"]): AsyncIterable<Uint8Array> | null {
  if (body === undefined) return null;
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return body;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return (async function* () {
    yield bytes;
  })();
}

/** The content that a client would receive. Rejects when the client goes away meanwhile. */
async function readBody(method: string, response: OutgoingResponse, signal: AbortSignal): Promise<Uint8Array> {
  const { body } = response;
  if (body === null || body === undefined || hasNoContent(method, response.status)) {
    cancelBody(body, new Error("The response has no content"));
    return new Uint8Array(0);
  }
  if (isWhole(body)) return typeof body === "string" ? new TextEncoder().encode(body) : body;
  const source = openBody(body);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => {
    reject(signal.reason as Error);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const pieces: Uint8Array[] = [];
  try {
    for (;;) {
      const { done, value } = await Promise.race([source.next(), aborted]);
      if (done === true) break;
      if (value !== undefined) pieces.push(typeof value === "string" ? new TextEncoder().encode(value) : value);
    }
  } catch (error) {
    source.cancel(error);
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  return Buffer.concat(pieces);
}
