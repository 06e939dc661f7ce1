/**
 * Calls an application without a server and a socket: a request in, the whole response out, by the rules of SPEC.md.
 *
 * @module @tsgi/gateway-spec/testing
 */
import type {
  Address,
  Application,
  Exchange,
  ExchangeError,
  Handler,
  HeaderFields,
  HeaderView,
  IncomingRequest,
  Logger,
  OutgoingResponse,
} from "./index.ts";
import { BodyWriter, type BodySink } from "./server-kit/body-writer.ts";
import { eachField, toHeaderView } from "./server-kit/fields.ts";
import { HandlerScope } from "./server-kit/handler-scope.ts";
import { Lifespan } from "./server-kit/lifespan.ts";
import { clientDisconnected } from "./server-kit/refusals.ts";
import { cancelBody, hasNoContent, isWhole, noContent, openBody } from "./server-kit/response-body.ts";
import { ServerExchange } from "./server-kit/server-exchange.ts";

/** What a test request has beside its target. */
export interface TestRequest {
  /** Default `GET`. */
  readonly method?: string;
  readonly headers?: HeaderFields;
  /** Sent as one piece, or piece by piece from an iterable. A string is UTF-8. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** To abort it is to close the client's connection. */
  readonly signal?: AbortSignal;
  /** Members of the exchange to replace, such as `{ encrypted: true }`. */
  readonly exchange?: Partial<Exchange>;
}

/** A whole response: its body has been read to the end. */
export interface TestResponse {
  readonly status: number;
  readonly headers: HeaderView;
  /** The whole body. */
  readonly body: Uint8Array;
  /** The trailer fields; empty where there are none. */
  readonly trailers: HeaderView;
  /** The body as UTF-8. */
  text(): string;
  /** The body as JSON. @throws SyntaxError */
  json(): unknown;
}

/** An application that runs in this process, and the way to call it. */
export interface TestClient extends AsyncDisposable {
  /**
   * @param target path and query, or an absolute URL. Default authority `http://test.localhost`.
   * @returns once the body has been read to its end. Rejects with what the handler threw.
   */
  request(target: string, request?: TestRequest): Promise<TestResponse>;
  /** Drains, waits for `waitUntil`, and shuts the application down. */
  close(): Promise<void>;
}

/** A failure reaches the test as a rejection of `request`. */
const NO_LOGGER: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Starts an application in this process. Rejects with what its `startup` threw. */
export async function createTestClient<State>(application: Application<State> | Handler): Promise<TestClient> {
  const lifespan = new Lifespan(application, "tsgi-test-client", NO_LOGGER);
  await lifespan.start();
  const scope = new HandlerScope();
  const close = () => lifespan.close();
  return {
    request: async (target, options = {}) => {
      const exchange = new TestExchange(lifespan, new URL(target, "http://test.localhost"), options);
      const abort = () => {
        exchange.fail(clientDisconnected(options.signal?.reason));
      };
      options.signal?.addEventListener("abort", abort, { once: true });
      if (options.signal?.aborted === true) abort();
      try {
        exchange.run(scope);
        return await exchange.response;
      } finally {
        options.signal?.removeEventListener("abort", abort);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const CLIENT: Address = { transport: "tcp", hostname: "127.0.0.1", port: 50_000 };

class TestExchange extends ServerExchange implements BodySink {
  readonly target: string;
  readonly protocol = "1.1";
  readonly encrypted: boolean;
  readonly peerAddress = CLIENT;
  readonly localAddress: Address = { transport: "tcp", hostname: "127.0.0.1", port: 80 };
  readonly tls = null;
  readonly request: IncomingRequest;
  protected readonly lifespan: Lifespan;
  readonly #response = Promise.withResolvers<TestResponse>();
  readonly #pieces: Uint8Array[] = [];
  #head: OutgoingResponse | null = null;

  constructor(lifespan: Lifespan, url: URL, options: TestRequest) {
    super();
    this.lifespan = lifespan;
    this.target = url.pathname + url.search;
    this.encrypted = url.protocol === "https:";
    this.request = new InMemoryRequest(this, url, options);
    for (const [name, value] of Object.entries(options.exchange ?? {})) {
      if (name !== "state") Object.defineProperty(this, name, { value, configurable: true, enumerable: true });
    }
  }

  /** Rejects with what the handler or the body threw, or with the failure of the exchange. */
  get response(): Promise<TestResponse> {
    return this.#response.promise;
  }

  override fail(error: ExchangeError): void {
    super.fail(error);
    this.#reject(error);
  }

  // The server's side

  protected readonly headSent = false;

  protected send(response: OutgoingResponse): void {
    const { status, body, trailers } = response;
    this.#head = response;
    if (body === null || body === undefined || isWhole(body) || hasNoContent(this.request.method, status)) {
      cancelBody(body, noContent());
      const whole = body === null || body === undefined || !isWhole(body) ? "" : body;
      if (!hasNoContent(this.request.method, status)) this.write(whole);
      this.#finish(trailers);
      return;
    }
    const length = toHeaderView(response.headers).get("content-length");
    const writer = new BodyWriter(this, openBody(body), length === null ? -1 : Number(length), trailers);
    this.responseBody = writer;
    writer.start();
  }

  /** The test gets the error itself. */
  protected sendFailure(): void {
    this.succeed();
    if (this.failure !== null) this.#reject(this.failure);
  }

  protected terminate(): void {
    // Nor is there a connection.
  }

  // The writer's side

  writeHead(): void {
    // It is taken with the end.
  }

  write(piece: string | Uint8Array): void {
    this.#pieces.push(typeof piece === "string" ? Buffer.from(piece) : piece);
  }

  flush(): void {
    // Nothing is buffered.
  }

  writable(): null {
    return null;
  }

  end(trailers: HeaderFields | undefined): void {
    const body = new Uint8Array(Buffer.concat(this.#pieces));
    const text = () => new TextDecoder().decode(body);
    this.succeed();
    this.#response.resolve({
      status: this.#head?.status ?? 0,
      headers: toHeaderView(this.#head?.headers),
      body,
      trailers: toHeaderView(trailers),
      text,
      json: () => JSON.parse(text()) as unknown,
    });
  }

  failed(error: unknown): void {
    this.handlerFailed(error);
  }

  #reject(error: ExchangeError): void {
    this.#response.reject(error.code === "RESPONSE_FAILED" ? error.cause : error);
  }

  #finish(trailers: OutgoingResponse["trailers"]): void {
    Promise.resolve(trailers?.()).then(
      (fields) => this.end(fields),
      (error: unknown) => this.handlerFailed(error),
    );
  }
}

class InMemoryRequest implements IncomingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderView;
  readonly body: AsyncIterable<Uint8Array> | null;
  readonly #exchange: TestExchange;

  constructor(exchange: TestExchange, url: URL, options: TestRequest) {
    this.#exchange = exchange;
    this.method = options.method ?? "GET";
    this.url = url.href;
    this.headers = toHeaderView([["host", url.host], ...pairs(options.headers), ...framing(options)]);
    this.body = toBody(options.body);
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}

function pairs(fields: HeaderFields | undefined): readonly (readonly [string, string])[] {
  const list: (readonly [string, string])[] = [];
  if (fields !== undefined) eachField(fields, (name, value) => void list.push([name, value]));
  return list;
}

/** The field that announces the content, as a client would send it; none where the caller gave one. */
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
