/** What the socket server passes to a handler. Members that cost something are made when they are first touched. */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type {
  Address,
  Exchange,
  HeaderFields,
  HeaderView,
  IncomingRequest,
  OutgoingResponse,
  TlsInfo,
} from "@tsgi/gateway-spec";
import {
  BodyQueue,
  type BodyQueueOwner,
  type BodyWriter,
  cancelResponse,
  checkResponse,
  clientAddress,
  clientDisconnected,
  FieldView,
  type Lifespan,
  localAddress,
  peerAddress,
  type PlainResponse,
  ServerExchange,
  tlsInfo,
} from "@tsgi/gateway-spec/server-kit";
import type { RequestHead } from "../http1/index.ts";
import type { ServerContext } from "./context.ts";

/** The connection of an exchange. */
export interface ExchangeOwner {
  readonly context: ServerContext;
  readonly socket: Socket;
  /** @throws before anything is sent, for a response that may not be sent. */
  send(exchange: SocketExchange, response: OutgoingResponse): void;
  sendFailure(exchange: SocketExchange, response: PlainResponse): void;
  sendInformational(exchange: SocketExchange, status: number, headers: HeaderFields | undefined): void;
  /** The content is read for the first time: the moment for 100 Continue. */
  contentOpened(exchange: SocketExchange): void;
  /** There is a place for more content. */
  contentPulled(): void;
  /** Ends the connection so that the client sees a truncated response. */
  truncate(): void;
  /** Ends the connection of a client that closed its sending side: there is no response for it. */
  giveUp(exchange: SocketExchange): void;
}

export class SocketExchange extends ServerExchange implements BodyQueueOwner {
  readonly head: RequestHead;
  readonly request: SocketRequest;
  /** Set where the request is a WebSocket handshake. */
  declare upgradeWebSocket?: NonNullable<Exchange["upgradeWebSocket"]>;
  /** The body that is being sent piece by piece. */
  declare responseBody: BodyWriter | null;
  declare private halfClosed: boolean;
  readonly #owner: ExchangeOwner;

  static {
    Object.assign(this.prototype, { halfClosed: false });
  }

  constructor(owner: ExchangeOwner, head: RequestHead) {
    super();
    this.#owner = owner;
    this.head = head;
    const body = head.contentLength === 0 ? null : new BodyQueue(this, owner.context.limits.maxBodyBytes);
    this.request = new SocketRequest(this, body);
  }

  get target(): string {
    return this.head.target;
  }

  get protocol(): "1.0" | "1.1" {
    return this.head.minorVersion === 1 ? "1.1" : "1.0";
  }

  get encrypted(): boolean {
    return this.#owner.context.encrypted;
  }

  get peerAddress(): Address | null {
    return peerAddress(this.#owner.socket);
  }

  override get remoteAddress(): Address | null {
    return clientAddress(this.#owner.socket);
  }

  get localAddress(): Address | null {
    return localAddress(this.#owner.socket);
  }

  get tls(): TlsInfo | null {
    // The sockets of an encrypted context are node's TLS sockets.
    return this.encrypted ? tlsInfo(this.#owner.socket as TLSSocket) : null;
  }

  /** RFC 9110 §15.2: "a server MUST NOT send a 1xx response to an HTTP/1.0 client". */
  get sendInformational(): NonNullable<Exchange["sendInformational"]> {
    const send = (status: number, headers?: HeaderFields): void => {
      this.#owner.sendInformational(this, status, headers);
    };
    // An absent capability is an absent member; the type of a getter cannot say so.
    return this.head.minorVersion === 0 ? (undefined as unknown as typeof send) : send;
  }

  /**
   * The client closed its sending side while the handler runs. Most clients are gone then (a browser's tab, a stopped curl), so that
   * the exchange fails. Others may still read: a response that the handler gives all the same is sent (TSGI-43).
   */
  clientEnded(): void {
    if (!this.running || this.responseBody !== null) return;
    this.halfClosed = true;
    this.fail(clientDisconnected());
  }

  contentOpened(): void {
    this.#owner.contentOpened(this);
  }

  contentPulled(): void {
    this.#owner.contentPulled();
  }

  override handlerFailed(error: unknown): void {
    if (this.halfClosed) this.#owner.giveUp(this);
    else super.handlerFailed(error);
  }

  protected override respondedLate(response: unknown): void {
    if (!this.halfClosed) {
      super.respondedLate(response);
      return;
    }
    try {
      checkResponse(response, this.head.method, this.target);
      this.send(response);
    } catch (error) {
      cancelResponse(response, error);
      this.#owner.giveUp(this);
    }
  }

  protected get lifespan(): Lifespan {
    return this.#owner.context.lifespan;
  }

  protected override get requestContent(): BodyQueue | null {
    return this.request.body;
  }

  protected get headSent(): boolean {
    return this.responseBody !== null && this.responseBody.headWritten;
  }

  protected send(response: OutgoingResponse): void {
    this.#owner.send(this, response);
  }

  protected sendFailure(response: PlainResponse): void {
    this.#owner.sendFailure(this, response);
  }

  protected terminate(): void {
    this.#owner.truncate();
  }
}

export class SocketRequest implements IncomingRequest {
  readonly body: BodyQueue | null;
  readonly #exchange: SocketExchange;
  #headers: HeaderView | null = null;

  constructor(exchange: SocketExchange, body: BodyQueue | null) {
    this.#exchange = exchange;
    this.body = body;
  }

  get method(): string {
    return this.#exchange.head.method;
  }

  get url(): string {
    const { target, authority } = this.#exchange.head;
    const scheme = this.#exchange.encrypted ? "https" : "http";
    // RFC 9112 §3.3: an absolute form is the target URI itself. A scheme other than the connection's has been refused.
    if (target.startsWith("/")) return `${scheme}://${authority === "" ? "localhost" : authority}${target}`;
    if (target === "*") return `${scheme}://${authority === "" ? "localhost" : authority}/`;
    const path = target.slice(target.indexOf("://") + 3 + authority.length);
    return `${scheme}://${authority}${path.startsWith("/") ? path : `/${path}`}`;
  }

  get headers(): HeaderView {
    return (this.#headers ??= new FieldView(this.#exchange.head.fields));
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  get trailers(): Promise<HeaderView> {
    return this.body === null ? Promise.resolve(new FieldView([])) : this.body.trailers;
  }
}
