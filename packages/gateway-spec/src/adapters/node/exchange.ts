/**
 * One exchange over node's `(req, res)`: the core that `toNode` and servers on node:http, node:https and node:http2 share.
 *
 * A handler that answers at once with a whole body costs two small objects beside what node itself makes: all else (the URL, the
 * header view, the signal, `completed`, listeners on the response) is made when it is touched. The compatibility objects of
 * node:http2 may stand wherever those of node:http do.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { exchangeError, failureResponse, refusalStatus } from "../../server-kit/refusals.ts";
import { FieldView } from "../../server-kit/fields.ts";
import type {
  Address,
  Exchange,
  ExchangeError,
  Handler,
  HeaderFields,
  HeaderView,
  IncomingRequest,
  Logger,
  OutgoingResponse,
  TlsInfo,
} from "../../index.ts";
import { cancelBody, isWhole, openBody } from "../../server-kit/response-body.ts";
import { hasContent, NodeRequestBody } from "./request-body.ts";
import { MAX_WRITE_BYTES, PieceSender } from "./body-writer.ts";
import { lowerNames, toAddress, toTlsInfo, toUrl, toView, unixAddress, versionOf } from "./request.ts";
import { type Answer, frame, isAscii, writeHead } from "./response-head.ts";
import { addTrailers, destroy, isSent, linger, NO_ERROR, sendInformational, streamOf } from "./transport.ts";

/** What the exchanges of one server have in common. */
export interface NodeHost {
  /** What `startup` returned. */
  readonly state: unknown;
  readonly draining: AbortSignal;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly logger: Logger;
  /** Longest request content, in bytes; reading beyond it fails with `REQUEST_BODY_TOO_LARGE`, which is answered with 413. */
  readonly maxBodyBytes: number;
  /** Unread request content, in bytes, that is read away after the response; beyond it the connection closes. */
  readonly maxDrainBytes: number;
  /** Takes the 101 of an `upgradeWebSocket` that the host put on the exchange. Without it a 101 is an error. */
  readonly onUpgrade?: (exchange: NodeExchange, response: OutgoingResponse) => void;
}

/** Runs the handler and writes its response. Never throws; failures of the handler go to the host's logger. */
export function handleExchange(exchange: NodeExchange, handler: Handler): void {
  let response: OutgoingResponse;
  try {
    const answer = handler(exchange.request, exchange);
    if (isThenable(answer)) {
      Promise.resolve(answer).then(
        (settled) => exchange.respond(settled),
        (error: unknown) => exchange.handlerFailed(error),
      );
      return;
    }
    response = answer;
  } catch (error) {
    exchange.handlerFailed(error);
    return;
  }
  exchange.respond(response);
}

/** The request's side. */
export class NodeRequest implements IncomingRequest {
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
    return (this.#headers ??= toView(this.#exchange.req, this.#exchange.target));
  }

  get body(): AsyncIterable<Uint8Array> | null {
    return this.#exchange.requestBody;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  get trailers(): Promise<HeaderView> {
    return this.#exchange.trailers;
  }
}

/** The exchange, and the writer of its response. A host with a proxy-trust policy overrides the getters that it rewrites. */
export class NodeExchange implements Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly host: NodeHost;
  readonly request: IncomingRequest;
  /** Set by a host that can upgrade this request. */
  declare upgradeWebSocket?: NonNullable<Exchange["upgradeWebSocket"]>;
  readonly #awaitsContinue: boolean;
  #requestBody: NodeRequestBody | null | undefined = undefined;
  #controller: AbortController | null = null;
  #completed: PromiseWithResolvers<void> | null = null;
  #trailers: Promise<HeaderView> | null = null;
  #failure: ExchangeError | null = null;
  #watching = false;
  #sender: PieceSender | null = null;
  /** The connection ends with this response. */
  #closing = false;
  #upgraded = false;

  /** @param awaitsContinue the host left `Expect: 100-continue` unanswered; the first pull of the body answers it. */
  constructor(req: IncomingMessage, res: ServerResponse, host: NodeHost, awaitsContinue = false) {
    this.req = req;
    this.res = res;
    this.host = host;
    this.#awaitsContinue = awaitsContinue;
    this.request = new NodeRequest(this);
  }

  get target(): string {
    // Express and connect shorten `url` where they mount, and keep what was received here.
    return (this.req as IncomingMessage & { readonly originalUrl?: string }).originalUrl ?? this.req.url ?? "/";
  }

  get protocol(): "1.0" | "1.1" | "2" {
    const version = versionOf(this.req);
    return version === 11 ? "1.1" : version === 20 ? "2" : "1.0";
  }

  get encrypted(): boolean {
    return "encrypted" in this.req.socket && this.req.socket.encrypted === true;
  }

  get remoteAddress(): Address | null {
    return this.peerAddress;
  }

  get peerAddress(): Address | null {
    const { remoteAddress, remotePort } = this.req.socket;
    return toAddress(remoteAddress, remotePort);
  }

  get localAddress(): Address | null {
    const { localAddress, localPort } = this.req.socket;
    return toAddress(localAddress, localPort) ?? unixAddress(this.req.socket);
  }

  get tls(): TlsInfo | null {
    return this.encrypted ? toTlsInfo(this.req.socket as TLSSocket) : null;
  }

  get state(): unknown {
    return this.host.state;
  }

  get draining(): AbortSignal {
    return this.host.draining;
  }

  get completed(): Promise<void> {
    if (this.#completed === null) {
      this.#completed = Promise.withResolvers<void>();
      this.#completed.promise.catch(() => undefined);
      if (this.#upgraded || isSent(this.res)) this.#completed.resolve();
      this.#watch();
    }
    return this.#completed.promise;
  }

  get waitUntil(): (work: Promise<unknown>) => void {
    return this.host.waitUntil;
  }

  /** RFC 9110 §15.2: "a server MUST NOT send a 1xx response to an HTTP/1.0 client". */
  get sendInformational(): NonNullable<Exchange["sendInformational"]> {
    const send = (status: number, headers?: HeaderFields): void => {
      sendInformational(this, status, headers);
    };
    // An absent capability is an absent member; the type of a getter cannot say so.
    return versionOf(this.req) === 10 ? (undefined as unknown as typeof send) : send;
  }

  /** What the exchange waits the client for: a host's clock measures these silences. */
  get waitingFor(): "content" | "reader" | null {
    const { res } = this;
    // A pipelined response that is not yet at its turn has no socket, and waits for nobody's reading.
    const unread = res.writableEnded && !res.writableFinished && res.socket !== null;
    if (this.#sender?.waitsForReader === true || unread) return "reader";
    return this.#requestBody?.waiting === true ? "content" : null;
  }

  /** {@link IncomingRequest.body} */
  get requestBody(): NodeRequestBody | null {
    if (this.#requestBody === undefined) {
      this.#requestBody = hasContent(this.req)
        ? new NodeRequestBody(this.req, this.host.maxBodyBytes, () => {
            if (this.#awaitsContinue && !this.res.headersSent) this.res.writeContinue();
          })
        : null;
    }
    return this.#requestBody;
  }

  /** {@link IncomingRequest.signal} */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      this.#watch();
      if (this.#failure !== null) this.#controller.abort(this.#failure);
    }
    return this.#controller.signal;
  }

  /** {@link IncomingRequest.trailers} */
  get trailers(): Promise<HeaderView> {
    if (this.#trailers === null) {
      const { promise, resolve, reject } = Promise.withResolvers<HeaderView>();
      promise.catch(() => undefined);
      const { req } = this;
      const end = () => {
        resolve(new FieldView(lowerNames(req.rawTrailers)));
      };
      const body = this.requestBody;
      if (req.readableEnded || body === null) end();
      else {
        body.whenOver((error) => {
          if (error === null) end();
          else reject(error);
        });
        req.once("end", end).once("close", () => {
          reject(this.#failure ?? disconnected());
        });
      }
      this.#trailers = promise;
    }
    return this.#trailers;
  }

  /** The rest of the request's content will not come. The handler may still answer; the connection ends with that. */
  contentFailed(error: ExchangeError): void {
    this.#closing = true;
    this.requestBody?.fail(error);
  }

  /** The connection speaks another protocol now: the exchange is over, and the response object with it (TSGI-49). */
  upgraded(): void {
    this.#upgraded = true;
    this.#completed?.resolve();
  }

  /** Fails the exchange and cuts the connection. Only the first failure counts. */
  fail(error: ExchangeError): void {
    if (this.#failure !== null || this.#upgraded || isSent(this.res)) return;
    this.#abandon(error);
    destroy(this.res);
  }

  /** Answers in place of a handler that threw. */
  handlerFailed(error: unknown): void {
    if (this.#isGone()) return;
    const failure = toFailure(error);
    const { logger } = this.host;
    const line = `${this.request.method} ${this.target}`;
    if (this.res.headersSent) {
      logger.error(`${line} failed after its head was sent; the connection is cut`, error);
      this.fail(failure);
      return;
    }
    const status = refusalStatus(error);
    if (status === 500) logger.error(`${line} failed`, error);
    else logger.warn(`${line} refused with ${status}: ${(error as Error).message}`);
    this.#abandon(failure);
    // What broke off in the middle of content ends the connection: where the next request begins is not known.
    if (failure.code !== "RESPONSE_FAILED") this.#closing = true;
    for (const name of this.res.getHeaderNames()) this.res.removeHeader(name);
    // A head that node refused has left its reason phrase. HTTP/2 has none.
    if (streamOf(this.res) === null) this.res.statusMessage = "";
    const { status: refusal, headers, body } = failureResponse(error);
    this.#send({ status: refusal, headers, body, trailers: undefined });
  }

  /** Writes what the handler answered. */
  respond(response: OutgoingResponse): void {
    if (this.#isGone()) {
      drop(response, this.#failure);
      return;
    }
    try {
      const { status, headers, body, trailers } = response;
      if (status === 101 && this.host.onUpgrade !== undefined) this.host.onUpgrade(this, response);
      else this.#send({ status, headers, body, trailers });
    } catch (error) {
      const opened = this.#sender !== null;
      this.handlerFailed(error);
      if (!opened) drop(response, error);
    }
  }

  #send(answer: Answer): void {
    const { req, res } = this;
    const { trailers } = answer;
    const version = versionOf(req);
    const head = frame(req.method ?? "GET", version, answer, this.#isLast(answer.status, version));
    const body = sliced(answer);
    // What is no body must be found while there is still a 500 to answer with.
    const sender =
      body === null || body === undefined || isWhole(body) ? null : new PieceSender(res, openBody(body), head);
    this.#sender = sender;
    if (sender !== null && !head.empty) {
      this.#watch();
      const failed = (error: unknown) => {
        this.handlerFailed(error);
      };
      this.#finish(sender.send(failed).then((sent) => (sent ? this.#end(trailers) : undefined)));
      return;
    }
    writeHead(res, head);
    if (head.empty) {
      sender?.stop(new Error("The response has no content"));
      res.end();
    } else if (trailers === undefined) {
      if (typeof body !== "string") res.end(body);
      // A string of ASCII, which is the cheapest to write.
      else if (body.length === head.contentLength) res.end(body, "latin1");
      else res.end(isAscii(head) ? body : Buffer.from(body));
    } else {
      if (typeof body === "string") res.write(Buffer.from(body));
      else if (body instanceof Uint8Array) res.write(body);
      this.#finish(this.#end(trailers));
      return;
    }
    this.#settleRequest();
  }

  /** Whether the response must say that the connection ends. Mostly node says it, but not beside an option of ours. */
  #isLast(status: number, version: number): boolean {
    if (this.#closing || this.host.draining.aborted) return true;
    return status === 426 && (!this.res.shouldKeepAlive || version === 10);
  }

  #finish(sent: Promise<void>): void {
    sent.catch((error: unknown) => {
      this.handlerFailed(error);
    });
  }

  async #end(trailers: Answer["trailers"]): Promise<void> {
    if (trailers !== undefined) {
      const fields = await trailers();
      if (this.#isFailed()) return;
      addTrailers(this.res, fields);
    }
    this.#sender?.commit();
    this.res.end();
    this.#settleRequest();
  }

  /** Reads away what the handler left unread, so that the connection can go on; beyond the limit it closes. */
  #settleRequest(): void {
    const { req } = this;
    if (req.readableEnded || req.destroyed || !hasContent(req) || this.#requestBody?.over === true) return;
    // Never asked for, it may never come: node closes the connection then.
    if (this.#awaitsContinue && this.#requestBody?.opened !== true) return;
    this.#requestBody?.fail(
      exchangeError("REQUEST_BODY_DROPPED", "The response was complete before the request was read"),
    );
    if (req.complete) {
      req.resume();
      return;
    }
    let left = this.host.maxDrainBytes;
    const count = (piece: Uint8Array) => {
      left -= piece.byteLength;
      if (left >= 0) return;
      req.off("data", count).resume();
      const stream = streamOf(this.res);
      // RFC 9113 §8.1: after a complete response a server may ask for no more of the request.
      if (stream === null) linger(req.socket);
      else stream.close(NO_ERROR);
    };
    req.on("data", count).resume();
  }

  /** Tells everyone who waits: `signal` first, the source of the response's body after it. */
  #abandon(error: ExchangeError): void {
    this.#failure = error;
    this.#controller?.abort(error);
    this.#requestBody?.fail(error);
    this.#sender?.stop(error);
    this.#completed?.reject(error);
  }

  /** Whether the client went away before the response: notes it, for nobody may have watched. */
  #isGone(): boolean {
    const { req, res } = this;
    if (this.#failure === null && (res.destroyed || req.socket?.destroyed)) this.fail(disconnected());
    return this.#failure !== null;
  }

  #isFailed(): boolean {
    return this.#failure !== null;
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const { res } = this;
    const sent = () => {
      if (isSent(res)) this.#completed?.resolve();
    };
    const close = () => {
      if (isSent(res)) this.#completed?.resolve();
      else this.fail(disconnected());
    };
    if (res.destroyed) close();
    else res.once("finish", sent).once("close", close);
  }
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** What the exchange failed with: the failure of the request's content itself, where a handler let it pass. */
function toFailure(error: unknown): ExchangeError {
  const isOfContent = error instanceof Error && error.name === "ExchangeError" && refusalStatus(error) !== 500;
  return isOfContent
    ? (error as ExchangeError)
    : exchangeError("RESPONSE_FAILED", "The response could not be completed", error);
}

/** The body, a long one in pieces, so that it can be seen whether the client takes it. */
function sliced({ body, trailers }: Answer): Answer["body"] {
  if (body === null || body === undefined || !isWhole(body) || trailers !== undefined) return body;
  if (body.length <= MAX_WRITE_BYTES) return body;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return (async function* () {
    for (let from = 0; from < bytes.byteLength; from += MAX_WRITE_BYTES) {
      yield bytes.subarray(from, from + MAX_WRITE_BYTES);
    }
  })();
}

/** Tells the body of a response that it will not be sent. What else is wrong with the response is nobody's any more. */
function drop(response: OutgoingResponse, reason: unknown): void {
  try {
    cancelBody(response.body, reason);
  } catch {
    // It may have no body to ask for: it is what a handler gave, unseen.
  }
}

function disconnected(): ExchangeError {
  return exchangeError("CLIENT_DISCONNECTED", "The client went away");
}
