/**
 * One client connection. It reads, runs the requests that came in their order, and writes what they gave in as few writes as can
 * be. A handler that answers without a promise is answered in the same tick; nothing is made for a request that did not ask for it.
 *
 *     new ──► head ──► busy ──► idle ──► head …        linger: the last response is out, what still comes in is read away
 *               └───────┴────────┴──► linger ──► closed
 *
 * An accepted WebSocket takes the socket over: `upgraded`, and nothing is read or written here any more.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Address, ExchangeError, HeaderFields, OutgoingResponse, TlsInfo } from "@tsgi/gateway-spec";
import {
  cancelBody,
  exchangeError,
  failureResponse,
  plainResponse,
  refusalLine,
  refusalStatus,
  serverClosed,
} from "@tsgi/gateway-spec/server-kit";
import {
  RequestError,
  RequestParser,
  ResponseError,
  ResponseHeadEncoder,
  type RequestEvent,
  type RequestHead,
} from "../http1/index.ts";
import { isMisdirected, misdirected } from "../http1/request-line.ts";
import { LINGER_MS, SWEEP_MS } from "../options.ts";
import { offerWebSocket, type Upgrade } from "../websocket/upgrade.ts";
import { socketAddress, tlsInfo } from "./addresses.ts";
import { AwaitedExchanges } from "./awaited.ts";
import type { ServerContext } from "./context.ts";
import { clientDisconnected, SocketExchange, type ExchangeConnection } from "./exchange.ts";
import { Outbox } from "./outbox.ts";
import { sendPlain, sendResponse, type ResponseSink } from "./respond.ts";

/** Requests that came behind one that is still running, beyond which the socket is no longer read, in bytes. */
const MAX_BUFFERED_BYTES = 64 * 1024;

/** The first byte of a TLS connection (RFC 8446 §5.1), and of no method. */
const TLS_HANDSHAKE = 0x16;

type Phase = "new" | "head" | "busy" | "idle" | "linger" | "upgraded" | "closed";

export class Connection implements ExchangeConnection, ResponseSink {
  readonly context: ServerContext;
  readonly #socket: Socket;
  readonly #parser: RequestParser;
  readonly outbox: Outbox;
  #phase: Phase = "new";
  /** When the phase began, or the last byte came or went that it waits for: coarse milliseconds. */
  #since: number;
  /** The one under way: until its response is out and its content is read. */
  #exchange: SocketExchange | null = null;
  #awaited: AwaitedExchanges | null = null;
  /** Content read away since its response was finished; -1 while the response is not. */
  #drained = -1;
  /** The WebSocket that the exchange's handler accepted. */
  #upgrade: Upgrade | null = null;
  #requests = 0;
  /** The next response is the last one. */
  #closing = false;
  #clientEnded = false;
  #pumping = false;

  constructor(context: ServerContext, socket: Socket) {
    this.context = context;
    this.#socket = socket;
    this.#since = context.now;
    this.#parser = new RequestParser(context.limits, context.createCaches());
    this.outbox = new Outbox(socket);
  }

  // What the socket says

  read(bytes: Buffer): void {
    if (this.#phase === "linger" || this.#phase === "upgraded" || this.#phase === "closed") return;
    if (this.#phase === "new" && bytes[0] === TLS_HANDSHAKE && !this.encrypted) return this.#foundTls();
    // A head has a time as a whole, and so has content that is read for nobody.
    if (this.#phase !== "head" && this.#drained < 0) this.#since = this.context.now;
    this.#parser.push(bytes);
    this.pump();
    if (this.#parser.bufferedBytes > MAX_BUFFERED_BYTES && !this.#mayRead()) this.#socket.pause();
  }

  /** Waiting for the end of a head would be in vain. */
  #foundTls(): void {
    const { peerAddress } = this;
    const client = peerAddress?.transport === "tcp" ? peerAddress.hostname : "a local client";
    this.context.logger.warn(`Closed a connection from ${client}: it speaks TLS, and this port does not`);
    this.#socket.destroy();
  }

  /** The client has sent all it will send. It may still wait for an answer (RFC 9112 §9.6). */
  ended(): void {
    this.#clientEnded = true;
    if (this.#phase === "linger") this.#socket.destroySoon();
    else if (this.#phase !== "upgraded") this.pump();
  }

  closed(cause: unknown): void {
    this.#phase = "closed";
    this.context.connections.delete(this);
    this.#fail(clientDisconnected(cause));
    this.outbox.unblock();
  }

  drained(): void {
    this.#since = this.context.now;
    this.outbox.unblock();
    this.pump();
  }

  // What the server says

  /** Looks for a peer that has been silent too long. */
  sweep(now: number): void {
    const { limits } = this.context;
    const unreadMs = this.outbox.unreadMs(now);
    if (unreadMs !== null && this.#phase !== "upgraded") {
      if (unreadMs >= limits.sendTimeoutMs) {
        this.#fail(exchangeError("RESPONSE_TIMEOUT", "The client did not take the response"));
        reset(this.#socket);
        return;
      }
      // Nothing else is asked of a client that has not been heard out: only then it is idle, or the end can be waited for.
      if (this.outbox.blocked || this.#phase === "idle" || this.#phase === "linger") {
        this.#since = now;
        return;
      }
    }
    // At least: what was noted as of a sweep may have come as late as the next one.
    const silence = now - this.#since - SWEEP_MS;
    switch (this.#phase) {
      case "new":
        if (silence >= limits.headTimeoutMs) this.#socket.destroy();
        break;
      case "head":
        if (silence >= limits.headTimeoutMs)
          this.#refuseNext(408, "HEAD_TIMEOUT", "The request head did not come in time");
        break;
      case "busy":
        if (silence >= limits.bodyTimeoutMs) this.#contentSilent();
        break;
      case "idle":
        if (silence >= (this.context.lifespan.isDraining ? limits.drainIdleMs : limits.keepAliveTimeoutMs))
          this.#finish();
        else this.#parser.trim();
        break;
      case "upgraded":
        if (this.context.lifespan.isDraining && silence >= limits.drainIdleMs) this.#upgrade?.close();
        break;
      case "linger":
        if (silence >= LINGER_MS) this.#socket.destroy();
        break;
      case "closed":
        break;
    }
  }

  /** The server shuts down: the next response is the last. Idle connections get a moment for one that is on its way. */
  drain(): void {
    if (this.#phase === "idle" || this.#phase === "new") {
      this.#phase = "idle";
      this.#since = this.context.now;
    }
    // The application may close its sockets itself, in its own words.
    if (this.#phase === "upgraded") this.#since = this.context.now;
  }

  /** The server's patience is over. Settles when the connection is closed, and everyone has heard of it. */
  terminate(): Promise<void> {
    const unsent = this.#exchange?.headSent === true || this.#socket.writableLength > 0;
    return new Promise((resolve) => {
      // Over TLS, after a reset, it is closed before destroy() returns.
      this.#socket.once("close", () => {
        resolve();
      });
      this.#fail(serverClosed());
      this.#upgrade?.terminate();
      if (unsent) reset(this.#socket);
      else this.#socket.destroy();
    });
  }

  // What the exchange says

  get encrypted(): boolean {
    return this.context.encrypted;
  }

  get peerAddress(): Address | null {
    return socketAddress(this.#socket.remoteAddress, this.#socket.remotePort);
  }

  get localAddress(): Address | null {
    return socketAddress(this.#socket.localAddress, this.#socket.localPort);
  }

  get tls(): TlsInfo | null {
    // The sockets of an encrypted context are node's TLS sockets.
    return this.context.encrypted ? tlsInfo(this.#socket as TLSSocket) : null;
  }

  get state(): unknown {
    return this.context.lifespan.state;
  }

  get draining(): AbortSignal {
    return this.context.lifespan.draining;
  }

  waitUntil(work: Promise<unknown>): void {
    this.context.lifespan.waitUntil(work);
  }

  sendInformational(exchange: SocketExchange, status: number, headers: HeaderFields | undefined): void {
    if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101) {
      throw new ResponseError("BAD_STATUS", `An informational status is 100 or 102 to 199, not ${String(status)}`);
    }
    // RFC 9110 §15.2: "a server MUST NOT send a 1xx response to an HTTP/1.0 client."
    if (exchange !== this.#exchange || exchange.responding || exchange.head.minorVersion === 0) return;
    this.outbox.text(new ResponseHeadEncoder(status, headers).encode("", "", ""));
    this.outbox.flush();
  }

  bodyOpened(): void {
    const exchange = this.#exchange;
    if (exchange === null || !exchange.head.expectsContinue || exchange.responding) return;
    this.outbox.text("HTTP/1.1 100 Continue\r\n\r\n");
    this.outbox.flush();
  }

  bodyPulled(): void {
    this.#since = this.context.now;
    this.pump();
  }

  // Requests in

  /** Takes events as long as they have somewhere to go, then writes what came of it. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#mayRead()) {
      let event: RequestEvent | null;
      try {
        event = this.#parser.next();
      } catch (error) {
        this.#broken(error);
        break;
      }
      if (event === null) {
        this.#wait();
        break;
      }
      if (event.kind === "request") this.#begin(event);
      else if (event.kind === "data") this.#receive(event.bytes);
      else this.#receiveEnd(event.trailers);
    }
    this.#pumping = false;
    this.flush();
  }

  /** Whether the next event has somewhere to go: a head where no exchange runs, content where its reader has room. */
  #mayRead(): boolean {
    if (this.#phase === "linger" || this.#phase === "upgraded" || this.#phase === "closed") return false;
    if (this.outbox.blocked) return false;
    if (this.#exchange === null) return true;
    return this.#parser.insideContent && (this.#drained >= 0 || this.#exchange.request.body?.full !== true);
  }

  /** All that was read is used up. */
  #wait(): void {
    if (this.#clientEnded) {
      if (this.#exchange === null || this.#drained >= 0) {
        this.#finish();
      } else {
        this.#fail(clientDisconnected());
        this.#socket.destroy();
      }
      return;
    }
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#exchange !== null) return;
    if (!this.#parser.insideHead) {
      if (this.#phase !== "new") this.#phase = "idle";
    } else if (this.#phase !== "head") {
      this.#phase = "head";
      this.#since = this.context.now;
    }
  }

  #begin(head: RequestHead): void {
    this.#phase = "busy";
    this.#since = this.context.now;
    this.#requests++;
    const { limits, lifespan } = this.context;
    if (head.contentLength !== "chunked" && head.contentLength > limits.maxBodyBytes) {
      const message = `The request content is longer than ${limits.maxBodyBytes} bytes`;
      this.#refuse(head.method, 413, "REQUEST_BODY_TOO_LARGE", message);
      return;
    }
    if (isMisdirected(head.target, this.encrypted)) {
      const { status, code, message } = misdirected();
      this.#refuse(head.method, status, code, message);
      return;
    }
    const exchange = new SocketExchange(this, head);
    this.#exchange = exchange;
    const refusal = head.upgrade === null ? null : this.#offerUpgrade(exchange);
    if (refusal !== null) {
      this.#respond(exchange, refusal);
      return;
    }
    try {
      const response = lifespan.handler(exchange.request, exchange);
      if ("then" in response) this.#respondLater(exchange, response);
      else this.#respond(exchange, response);
    } catch (error) {
      this.failed(exchange, error);
    }
  }

  // Beside #begin, not in it: what a closure holds on to is allocated whether or not the closure is.

  #offerUpgrade(exchange: SocketExchange): OutgoingResponse | null {
    return offerWebSocket(exchange.request, exchange, this.context.logger, (upgrade) => {
      this.#upgrade = upgrade;
    });
  }

  #respondLater(exchange: SocketExchange, response: PromiseLike<OutgoingResponse>): void {
    response.then(
      (later) => {
        this.#respond(exchange, later);
        this.pump();
        return undefined;
      },
      (error: unknown) => {
        this.failed(exchange, error);
        this.pump();
      },
    );
  }

  #receive(bytes: Uint8Array): void {
    const { limits } = this.context;
    const body = this.#exchange?.request.body;
    if (this.#drained >= 0) {
      this.#drained += bytes.byteLength;
      if (this.#drained > limits.maxDrainBytes) this.#finish();
    } else if (body !== null && body !== undefined) {
      if (body.receivedBytes + bytes.byteLength > limits.maxBodyBytes) {
        this.#closing = true;
        body.fail(
          exchangeError("REQUEST_BODY_TOO_LARGE", `The request content is longer than ${limits.maxBodyBytes} bytes`),
        );
      } else {
        body.push(bytes);
      }
      if (body.full) this.#socket.pause();
    }
  }

  #receiveEnd(trailers: readonly string[]): void {
    this.#exchange?.request.receiveEnd(trailers);
    if (this.#drained >= 0) this.#leave();
  }

  /** The parser refused what came: an answer where none is under way, and the connection's end in any case. */
  #broken(error: unknown): void {
    if (!(error instanceof RequestError)) throw error;
    if (this.#exchange === null) {
      this.#refuseNext(error.status, error.code, error.message);
    } else if (this.#drained >= 0) {
      this.#finish();
    } else {
      this.#closing = true;
      this.#exchange.request.body?.fail(exchangeError("REQUEST_BODY_MALFORMED", error.message, error));
    }
  }

  #contentSilent(): void {
    if (this.#drained >= 0) {
      this.#finish();
    } else if (this.#exchange?.request.body?.waiting === true) {
      this.#closing = true;
      this.#exchange.request.body.fail(
        exchangeError("REQUEST_BODY_TIMEOUT", "The request content did not come in time"),
      );
    }
  }

  // Responses out

  #respond(exchange: SocketExchange, response: OutgoingResponse): void {
    if (!exchange.running) {
      cancelBody(bodyOf(response), exchange.request.failure);
      return;
    }
    try {
      if (response.status === 101 && this.#upgrade !== null) this.#handOver(exchange, this.#upgrade, response);
      else sendResponse(this, exchange, response);
    } catch (error) {
      if (exchange.sending === null) cancelBody(bodyOf(response), error);
      this.failed(exchange, error);
    }
  }

  /** From the 101 on, the connection is the WebSocket's (TSGI-49). */
  #handOver(exchange: SocketExchange, upgrade: Upgrade, { headers, body }: OutgoingResponse): void {
    // A 500 in its place would be the last answer, for what came behind the request is given away.
    this.#closing = true;
    this.flush();
    upgrade.open(this.#socket, this.#parser.takeRest(), headers);
    cancelBody(body, new ResponseError("BAD_BODY", "This response has no content"));
    if (!upgrade.opened) return;
    this.#phase = "upgraded";
    this.#exchange = null;
    exchange.succeed();
  }

  /** The response is complete, but for what the outbox still holds. */
  sent(exchange: SocketExchange, last: boolean): void {
    if (exchange.awaited) (this.#awaited ??= new AwaitedExchanges()).add(exchange);
    else exchange.succeed();
    this.#proceed(exchange, last);
  }

  /** On to the next request, over what is left of this one's content. */
  #proceed(exchange: SocketExchange, last: boolean): void {
    if (last) {
      this.#finish();
    } else if (this.#parser.insideContent) {
      this.#drained = 0;
      this.#since = this.context.now;
      exchange.request.body?.abandon();
    } else {
      this.#leave();
    }
  }

  #leave(): void {
    this.#exchange = null;
    this.#upgrade = null;
    this.#drained = -1;
    this.#phase = "idle";
    this.#since = this.context.now;
  }

  /** The handler or its body threw, or gave what cannot be sent: the exchange has failed, whatever is answered in its place. */
  failed(exchange: SocketExchange, error: unknown): void {
    // Who is told that the client is gone may well throw it on: that is no news.
    if (!exchange.running) return;
    const { logger } = this.context;
    const { method, target } = exchange.head;
    exchange.fail(
      exchangeError("RESPONSE_FAILED", "The application gave no response that could be sent in full", error),
    );
    if (exchange.headSent) {
      logger.error(`${method} ${target} failed after its head was sent; the connection is cut`, error);
      reset(this.#socket);
      return;
    }
    const status = refusalStatus(error);
    if (status === 500) logger.error(`${method} ${target} failed`, error);
    else logger.warn(`${method} ${target} refused with ${status}: ${(error as Error).message}`);
    const last = this.isLast(exchange);
    sendPlain(this, failureResponse(error), exchange.head, last);
    this.#proceed(exchange, last);
  }

  /** Answers a request that no handler will see; the connection ends (RFC 9112 §9.6). */
  #refuse(method: string, status: number, code: string, message: string): void {
    this.context.logger.warn(refusalLine(this.peerAddress, status, code, message));
    sendPlain(this, plainResponse(status, message), { method, minorVersion: 1 }, true);
    this.#finish();
  }

  /** The same for one that is not even a request, but may have begun as one. */
  #refuseNext(status: number, code: string, message: string): void {
    this.#refuse(this.#parser.method, status, code, message);
  }

  /** Whether the connection ends with this response. */
  isLast(exchange: SocketExchange): boolean {
    if (this.#closing || this.context.lifespan.isDraining || !exchange.head.keepAlive) return true;
    const { limits } = this.context;
    if (this.#requests >= limits.maxRequestsPerConnection) return true;
    if (this.#clientEnded && this.#parser.bufferedBytes === 0) return true;
    // Content that nobody began to read: one that still waits for 100 may or may not come, and a long one is not worth reading.
    const { body } = exchange.request;
    if (body === null || body.opened || !this.#parser.insideContent) return false;
    const { expectsContinue, contentLength } = exchange.head;
    return expectsContinue || (contentLength !== "chunked" && contentLength > limits.maxDrainBytes);
  }

  /** Nothing more is answered here. What the client still sends is read away for a while: a reset would take our answer with it. */
  #finish(): void {
    this.#phase = "linger";
    this.#since = this.context.now;
    this.flush();
    this.#parser.takeRest();
    if (this.#clientEnded) {
      this.#socket.destroySoon();
    } else {
      this.#socket.end();
      this.#socket.resume();
    }
  }

  flush(): void {
    if (this.#awaited === null) this.outbox.flush();
    else this.#awaited.flush(this.outbox);
  }

  #fail(error: ExchangeError): void {
    this.#exchange?.fail(error);
    this.#awaited?.fail(error);
  }
}

/** Cuts a connection by a reset, for a body that ends with the connection would look complete after a plain end. */
function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // Nothing but TCP has a reset: a Unix domain socket cannot.
    socket.destroy();
  }
}

/** The body of whatever a handler gave: it need not be a response. */
function bodyOf(response: OutgoingResponse | null | undefined): OutgoingResponse["body"] {
  try {
    return response?.body;
  } catch {
    return null;
  }
}
