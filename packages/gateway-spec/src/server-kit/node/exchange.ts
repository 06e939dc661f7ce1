/** One exchange over node's `(req, res)`, for `toNode` and for servers on node:http, node:https and node:http2. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import type {
  Address,
  Exchange,
  ExchangeError,
  HeaderFields,
  HeaderView,
  IncomingRequest,
  OutgoingResponse,
  TlsInfo,
} from "../../index.ts";
import { clientAddress, localAddress, peerAddress, tlsInfo } from "../addresses.ts";
import { BodyWriter, MAX_WRITE_BYTES } from "../body-writer.ts";
import { FieldView } from "../fields.ts";
import { currentScope, type HandlerScope, REMEMBERS } from "../handler-scope.ts";
import type { Lifespan } from "../lifespan.ts";
import { clientDisconnected, type PlainResponse } from "../refusals.ts";
import { isWhole, noContent, openBody } from "../response-body.ts";
import { ServerExchange } from "../server-exchange.ts";
import { RequestContent } from "./request-content.ts";
import { hasContent, socketOf, toHeaders, toUrl, versionOf } from "./request.ts";
import { frame, type GivenResponse, type ResponseHead, writeHead } from "./response-head.ts";
import { ResponseSink } from "./response-sink.ts";
import { isGone, isSent, linger, NO_ERROR, sendInformational, streamOf, terminate } from "./transport.ts";

/** What the exchanges of one server share. */
export interface NodeHost {
  readonly lifespan: Lifespan;
  /** Longest request content, in bytes. To read beyond it fails with `REQUEST_BODY_TOO_LARGE`: the response is a 413. */
  readonly maxBodyBytes: number;
  /** Unread request content, in bytes, that is read and dropped after the response; beyond it the connection closes. */
  readonly maxDrainBytes: number;
  /** Opens the WebSocket that the handler accepted. Without it a 101 is an error. @throws TypeError for an invalid response. */
  readonly onUpgrade?: (exchange: NodeExchange, response: OutgoingResponse) => void;
}

/** `request` of a {@link NodeExchange}. URL and header view are made when they are first touched. */
class NodeRequest implements IncomingRequest {
  readonly #exchange: NodeExchange;
  #url: string | null = null;
  #headers: HeaderView | null = null;

  constructor(exchange: NodeExchange) {
    this.#exchange = exchange;
  }

  get method(): string {
    return this.#exchange.req.method ?? "GET";
  }

  get url(): string {
    return (this.#url ??= toUrl(this.#exchange.req, this.#exchange.encrypted));
  }

  get headers(): HeaderView {
    return (this.#headers ??= toHeaders(this.#exchange.req, this.#exchange.target));
  }

  get body(): AsyncIterable<Uint8Array> | null {
    return this.#exchange.content?.queue ?? null;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  get trailers(): Promise<HeaderView> {
    return this.#exchange.trailers;
  }
}

/** The exchange and the writer of its response. A server with a proxy-trust policy overrides the getters that the policy changes. */
export class NodeExchange extends ServerExchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly request: IncomingRequest;
  readonly encrypted: boolean;
  /** For the list in which a server may keep its running exchanges; -1 outside of it. */
  listIndex = -1;
  /** Set by a server that can upgrade this request. */
  declare upgradeWebSocket?: NonNullable<Exchange["upgradeWebSocket"]>;
  protected readonly lifespan: Lifespan;
  readonly #host: NodeHost;
  readonly #awaitsContinue: boolean;
  #content: RequestContent | null | undefined = undefined;
  #watching = false;
  #writer: BodyWriter | null = null;
  /** The connection closes after this response. */
  #closing = false;

  /** @param awaitsContinue the client awaits `100 Continue`, and node has left it to the exchange: the first pull sends it. */
  constructor(req: IncomingMessage, res: ServerResponse, host: NodeHost, awaitsContinue = false) {
    super();
    this.lifespan = host.lifespan;
    this.req = req;
    this.res = res;
    this.#host = host;
    this.#awaitsContinue = awaitsContinue;
    this.request = new NodeRequest(this);
    // Read now, because the session of HTTP/2 may have ended when it is asked for.
    const socket: object = streamOf(req)?.session ?? req.socket;
    this.encrypted = "encrypted" in socket && socket.encrypted === true;
  }

  get target(): string {
    // Express and connect shorten `url` below the path of a mount, and keep the target as received here.
    return (this.req as IncomingMessage & { readonly originalUrl?: string }).originalUrl ?? this.req.url ?? "/";
  }

  get protocol(): "1.0" | "1.1" | "2" {
    const version = versionOf(this.req);
    return version === 11 ? "1.1" : version === 20 ? "2" : "1.0";
  }

  get peerAddress(): Address | null {
    const socket = socketOf(this.req);
    return socket === null ? null : peerAddress(socket);
  }

  override get remoteAddress(): Address | null {
    const socket = socketOf(this.req);
    return socket === null ? null : clientAddress(socket);
  }

  get localAddress(): Address | null {
    const socket = socketOf(this.req);
    return socket === null ? null : localAddress(socket);
  }

  get tls(): TlsInfo | null {
    const socket = socketOf(this.req);
    return this.encrypted && socket !== null ? tlsInfo(socket as TLSSocket) : null;
  }

  /** RFC 9110 §15.2: "a server MUST NOT send a 1xx response to an HTTP/1.0 client". */
  get sendInformational(): NonNullable<Exchange["sendInformational"]> {
    const send = (status: number, headers?: HeaderFields): void => {
      sendInformational(this.res, status, headers);
    };
    // An absent capability is an absent member, which the type of a getter cannot say.
    return versionOf(this.req) === 10 ? (undefined as unknown as typeof send) : send;
  }

  /** What the exchange waits for from the client: a server measures the idle time of these. */
  get waitingFor(): "content" | "reader" | null {
    const { res } = this;
    // A pipelined response has no socket before its turn, and waits for no reader.
    const unread = res.writableEnded && !res.writableFinished && res.socket !== null;
    if (this.#writer?.waitsForClient === true || unread) return "reader";
    return this.#content?.queue.waiting === true ? "content" : null;
  }

  /** The request content; `null` where the request has none. */
  get content(): RequestContent | null {
    if (this.#content === undefined) {
      this.#content = hasContent(this.req)
        ? new RequestContent(this.req, this.#host.maxBodyBytes, () => {
            if (this.#awaitsContinue && !this.res.headersSent) this.res.writeContinue();
          })
        : null;
    }
    return this.#content;
  }

  /** {@link IncomingRequest.trailers} */
  get trailers(): Promise<HeaderView> {
    this.#watch();
    return this.content?.trailers ?? Promise.resolve(new FieldView([]));
  }

  /** The rest of the request content will not arrive. The handler may still respond; the connection closes after that. */
  contentFailed(error: ExchangeError): void {
    this.#closing = true;
    this.content?.fail(error);
  }

  /** The connection speaks another protocol now, so the exchange has ended (TSGI-49). */
  upgraded(): void {
    this.succeed();
  }

  /** Fails the exchange and terminates the connection, unless the response was sent in full. */
  abort(error: ExchangeError): void {
    if (isSent(this.res)) return;
    this.fail(error);
    this.terminate();
  }

  /**
   * Runs the handler and sends its response.
   * @param scope without one, the handler runs on top of the async context in which node emitted the request, which is that of an
   * outer middleware. Up to Node 23 the requests of one connection share that context, so that each handler gets one of its own.
   */
  override run(scope: HandlerScope | null = null): void {
    if (scope === null && REMEMBERS) currentScope()(() => super.run(null));
    else super.run(scope);
  }

  override respond(response: unknown): void {
    this.#checkClient();
    super.respond(response);
  }

  override handlerFailed(error: unknown): void {
    this.#checkClient();
    super.handlerFailed(error);
  }

  /** The response was given to node in full: drops what the handler left of the request content. */
  responseEnded(): void {
    const { req } = this;
    if (req.readableEnded || req.destroyed || this.content === null || this.content.queue.over) return;
    // The client still awaits `100 Continue`: node closes the connection.
    if (this.#awaitsContinue && !this.content.queue.opened) return;
    this.content.abandon();
    if (req.complete) {
      req.resume();
      return;
    }
    let left = this.#host.maxDrainBytes;
    const count = (piece: Uint8Array) => {
      left -= piece.byteLength;
      if (left >= 0) return;
      req.off("data", count).resume();
      const stream = streamOf(this.res);
      if (stream === null) linger(req.socket);
      // RFC 9113 §8.1: "a server MAY request that the client abort transmission of a request without error by sending a
      // RST_STREAM with an error code of NO_ERROR after sending a complete response".
      else stream.close(NO_ERROR);
    };
    req.on("data", count).resume();
  }

  protected override get requestContent(): RequestContent | null {
    return this.#content ?? null;
  }

  protected override observe(): void {
    this.#watch();
  }

  protected override get headSent(): boolean {
    return this.res.headersSent;
  }

  protected override send(response: OutgoingResponse): void {
    const { status, headers, body, trailers } = response;
    // RFC 9113 §8.6: "HTTP/2 removes support for the 101 (Switching Protocols) informational status code".
    const mayUpgrade = status === 101 && streamOf(this.res) === null;
    if (mayUpgrade && this.#host.onUpgrade !== undefined) this.#host.onUpgrade(this, response);
    else this.#send({ status, headers, body, trailers });
  }

  protected override sendFailure(response: PlainResponse): void {
    // Content that failed leaves the place of the next request unknown.
    if (this.failure?.code !== "RESPONSE_FAILED") this.#closing = true;
    for (const name of this.res.getHeaderNames()) this.res.removeHeader(name);
    // A head that node refused has left its reason phrase. HTTP/2 has none.
    if (streamOf(this.res) === null) this.res.statusMessage = "";
    this.#send({ ...response, trailers: undefined });
  }

  protected override terminate(): void {
    if (!isSent(this.res)) terminate(this.res);
  }

  #send(given: GivenResponse): void {
    const { req } = this;
    const { body, trailers } = given;
    const version = versionOf(req);
    const head = frame(req.method ?? "GET", version, given, this.#isLast(given.status, version));
    if (head.empty) {
      this.#sendEmpty(head, body);
    } else if (body === null || body === undefined || isWhole(body)) {
      if (trailers !== undefined || (body?.length ?? 0) > MAX_WRITE_BYTES)
        this.#sendPieces(head, once(body ?? ""), trailers);
      else this.#sendWhole(head, body ?? "");
    } else {
      this.#sendPieces(head, body, trailers);
    }
  }

  #sendEmpty(head: ResponseHead, body: GivenResponse["body"]): void {
    const source = body === null || body === undefined || isWhole(body) ? null : openBody(body);
    try {
      writeHead(this.res, head);
    } finally {
      source?.cancel(noContent());
    }
    this.res.end();
    this.responseEnded();
  }

  #sendWhole(head: ResponseHead, body: string | Uint8Array): void {
    const { res } = this;
    writeHead(res, head);
    if (typeof body !== "string") res.end(body);
    // A string of ASCII, which leaves with the head in one piece.
    else if (body.length === head.contentLength) res.end(body, "latin1");
    // Bytes, because node writes a head in the encoding of the string that leaves with it.
    else res.end(Buffer.from(body));
    this.responseEnded();
  }

  #sendPieces(head: ResponseHead, body: Parameters<typeof openBody>[0], trailers: GivenResponse["trailers"]): void {
    const sink = new ResponseSink(this, head);
    this.#writer = new BodyWriter(sink, openBody(body), head.contentLength, head.takesTrailers ? trailers : undefined);
    this.responseBody = this.#writer;
    this.#watch();
    this.#writer.start();
  }

  /** Whether the response must say that the connection closes. Node says it itself, but not beside a connection option of ours. */
  #isLast(status: number, version: number): boolean {
    if (this.#closing || this.#host.lifespan.isDraining) return true;
    return status === 426 && (!this.res.shouldKeepAlive || version === 10);
  }

  /** Fails the exchange where the client is gone, which no listener may have noticed. */
  #checkClient(): void {
    if (this.running && isGone(this.req, this.res)) this.#closed();
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { res } = this;
    if (isGone(this.req, res)) {
      this.#closed();
      return;
    }
    res.once("finish", () => {
      if (isSent(res)) this.succeed();
    });
    res.once("close", () => {
      this.#closed();
    });
  }

  #closed(): void {
    if (isSent(this.res)) this.succeed();
    else this.fail(clientDisconnected());
  }
}

// oxlint-disable-next-line require-await -- a body in pieces is asynchronous
async function* once<T>(piece: T): AsyncGenerator<T> {
  yield piece;
}
