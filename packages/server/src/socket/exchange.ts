/** What the socket server hands to a handler. Every member that costs something is made when it is first touched. */
import type {
  Address,
  Exchange,
  ExchangeError,
  HeaderFields,
  HeaderView,
  IncomingRequest,
  TlsInfo,
} from "@tsgi/gateway-spec";
import { type BodySource, exchangeError, FieldView } from "@tsgi/gateway-spec/server-kit";
import type { RequestHead } from "../http1/index.ts";
import { RequestBody, type BodyOwner } from "./request-body.ts";

/** What an exchange asks of its connection. */
export interface ExchangeConnection extends BodyOwner {
  readonly encrypted: boolean;
  readonly peerAddress: Address | null;
  readonly localAddress: Address | null;
  readonly tls: TlsInfo | null;
  readonly state: unknown;
  readonly draining: AbortSignal;
  waitUntil(work: Promise<unknown>): void;
  sendInformational(exchange: SocketExchange, status: number, headers: HeaderFields | undefined): void;
}

/** A response on its way. */
export interface Sending {
  /** The head, while it waits for the first piece of the body. */
  head: string | null;
  /** The body, until it has given all. */
  source: BodySource | null;
}

export class SocketExchange implements Exchange {
  readonly head: RequestHead;
  readonly request: SocketRequest;
  /** The response, where it goes out piece by piece. */
  sending: Sending | null = null;
  /** Set where the request is a WebSocket handshake. */
  declare upgradeWebSocket?: NonNullable<Exchange["upgradeWebSocket"]>;
  readonly #connection: ExchangeConnection;
  #outcome: "running" | "sent" | "failed" = "running";
  #completed: PromiseWithResolvers<void> | null = null;

  constructor(connection: ExchangeConnection, head: RequestHead) {
    this.#connection = connection;
    this.head = head;
    this.request = new SocketRequest(this, connection);
  }

  get target(): string {
    return this.head.target;
  }

  get protocol(): "1.0" | "1.1" {
    return this.head.minorVersion === 1 ? "1.1" : "1.0";
  }

  get encrypted(): boolean {
    return this.#connection.encrypted;
  }

  get remoteAddress(): Address | null {
    return this.#connection.peerAddress;
  }

  get peerAddress(): Address | null {
    return this.#connection.peerAddress;
  }

  get localAddress(): Address | null {
    return this.#connection.localAddress;
  }

  get tls(): TlsInfo | null {
    return this.#connection.tls;
  }

  get state(): unknown {
    return this.#connection.state;
  }

  get draining(): AbortSignal {
    return this.#connection.draining;
  }

  get completed(): Promise<void> {
    if (this.#completed === null) {
      this.#completed = Promise.withResolvers<void>();
      // Nobody has to listen: an exchange that fails is no unhandled rejection.
      this.#completed.promise.catch(() => undefined);
      this.#settle();
    }
    return this.#completed.promise;
  }

  waitUntil(work: Promise<unknown>): void {
    this.#connection.waitUntil(work);
  }

  /** RFC 9110 §15.2: "a server MUST NOT send a 1xx response to an HTTP/1.0 client". */
  get sendInformational(): NonNullable<Exchange["sendInformational"]> {
    const send = (status: number, headers?: HeaderFields): void => {
      this.#connection.sendInformational(this, status, headers);
    };
    // An absent capability is an absent member; the type of a getter cannot say so.
    return this.head.minorVersion === 0 ? (undefined as unknown as typeof send) : send;
  }

  /** Whether a final response has been begun. */
  get responding(): boolean {
    return this.sending !== null || this.#outcome !== "running";
  }

  /** Whether the final head is out: from here on, an error can only cut the connection. */
  get headSent(): boolean {
    return this.sending?.head === null;
  }

  /** Whether someone asked for `completed`. */
  get awaited(): boolean {
    return this.#completed !== null;
  }

  get running(): boolean {
    return this.#outcome === "running";
  }

  succeed(): void {
    if (this.#outcome !== "running") return;
    this.#outcome = "sent";
    this.#settle();
  }

  /** In this order: `signal`, the body being sent, `completed`, and the body being read. */
  fail(error: ExchangeError): void {
    if (this.#outcome !== "running") return;
    this.#outcome = "failed";
    this.request.abort(error);
    this.sending?.source?.cancel(error);
    this.#settle();
    this.request.body?.fail(error);
  }

  #settle(): void {
    if (this.#completed === null || this.#outcome === "running") return;
    if (this.#outcome === "sent") this.#completed.resolve();
    else this.#completed.reject(this.request.failure);
  }
}

export class SocketRequest implements IncomingRequest {
  readonly #exchange: SocketExchange;
  readonly body: RequestBody | null;
  #headers: HeaderView | null = null;
  #controller: AbortController | null = null;
  #trailers: PromiseWithResolvers<HeaderView> | null = null;
  #trailerLines: readonly string[] | null = null;
  failure: ExchangeError | null = null;

  constructor(exchange: SocketExchange, connection: ExchangeConnection) {
    this.#exchange = exchange;
    this.body = exchange.head.contentLength === 0 ? null : new RequestBody(connection);
  }

  get method(): string {
    return this.#exchange.head.method;
  }

  get url(): string {
    const { target, authority } = this.#exchange.head;
    const scheme = this.#exchange.encrypted ? "https" : "http";
    // RFC 9112 §3.3: an absolute form is the target URI itself. Another scheme than the connection's has been refused.
    if (target.startsWith("/")) return `${scheme}://${authority === "" ? "localhost" : authority}${target}`;
    if (target === "*") return `${scheme}://${authority === "" ? "localhost" : authority}/`;
    const path = target.slice(target.indexOf("://") + 3 + authority.length);
    return `${scheme}://${authority}${path.startsWith("/") ? path : `/${path}`}`;
  }

  get headers(): HeaderView {
    return (this.#headers ??= new FieldView(this.#exchange.head.fields));
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.failure !== null) this.#controller.abort(this.failure);
    }
    return this.#controller.signal;
  }

  get trailers(): Promise<HeaderView> {
    if (this.#trailers === null) {
      const trailers = Promise.withResolvers<HeaderView>();
      trailers.promise.catch(() => undefined);
      const over = (error: ExchangeError | null) => {
        if (error === null) trailers.resolve(new FieldView(this.#trailerLines ?? []));
        else trailers.reject(error);
      };
      if (this.body === null || this.failure !== null) over(this.failure);
      else this.body.whenOver(over);
      this.#trailers = trailers;
    }
    return this.#trailers.promise;
  }

  receiveEnd(trailers: readonly string[]): void {
    this.#trailerLines = trailers;
    this.body?.end();
  }

  /** The content will not come in full. */
  abort(error: ExchangeError): void {
    this.failure = error;
    this.#controller?.abort(error);
    this.#trailers?.reject(error);
  }
}

export function clientDisconnected(cause?: unknown): ExchangeError {
  return exchangeError("CLIENT_DISCONNECTED", "The client closed the connection", cause);
}
