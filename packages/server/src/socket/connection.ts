/**
 * One client connection of the socket server. It reads requests, runs their handlers one after the other (RFC 9112 §9.3.2), and
 * writes their responses in few writes.
 *
 * Its state is two words: what the bytes that arrive are, and what leaves.
 *
 *     reading      writing    meaning
 *     idle         idle       accepted, or between two requests
 *     head         idle       a head has begun
 *     content      response   a handler runs, and the content of its request arrives
 *     complete     response   a handler runs, and its request is complete: the next one waits in the parser
 *     lost         response   a handler runs, and its content failed: what follows cannot be read any more
 *     discarded    idle       the response is complete: the rest of the content is dropped
 *     dropped      closed     the last response is out: what arrives is dropped until the client closes (RFC 9112 §9.6)
 *     dropped      websocket  a WebSocket has taken the socket over
 *
 * A handler that returns no promise is run, and its response written, before `read` returns.
 */
import type { Socket } from "node:net";
import type { ExchangeError, HeaderFields, OutgoingResponse } from "@tsgi/gateway-spec";
import {
  type BodyQueue,
  BodyWriter,
  cancelBody,
  cancelUnsentBody,
  checkInformationalStatus,
  clientAddress,
  clientDisconnected,
  contentMalformed,
  contentTimeout,
  informationalLines,
  type PlainResponse,
  plainResponse,
  refusalLine,
  responseTimeout,
  serverClosed,
} from "@tsgi/gateway-spec/server-kit";
import { RequestError, type RequestEvent, type RequestHead, RequestParser, statusLine } from "../http1/index.ts";
import { isMisdirected, misdirected } from "../http1/request-line.ts";
import { SWEEP_MS } from "../options.ts";
import type { Listed } from "../runtime/unordered-list.ts";
import type { ServedConnection } from "../runtime/run-server.ts";
import { offerWebSocket, type Upgrade } from "../websocket/upgrade.ts";
import type { ServerContext } from "./context.ts";
import { type ExchangeOwner, SocketExchange } from "./exchange.ts";
import { type RespondedHead, ResponseSink, type StreamedResponse, writePlain, writeResponse } from "./send-response.ts";
import { exceededTimeout, type Waiting } from "./timeouts.ts";
import { WriteBuffer } from "./write-buffer.ts";

/** The readings of each writing: other pairs do not occur. */
interface Readings {
  readonly idle: "idle" | "head" | "discarded";
  readonly response: "content" | "complete" | "lost";
  readonly closed: "dropped";
  readonly websocket: "dropped";
}

type Writing = keyof Readings;
type Reading = Readings[Writing];

/** Bytes of requests behind one that is still running, beyond which the socket is not read. */
const MAX_BUFFERED_BYTES = 64 * 1024;

/** The first byte of a TLS connection (RFC 8446 §5.1), and of no method. */
const TLS_HANDSHAKE = 0x16;

export class Connection implements ServedConnection, ExchangeOwner, Listed {
  listIndex = -1;
  readonly context: ServerContext;
  readonly socket: Socket;
  readonly #parser: RequestParser;
  readonly #buffer: WriteBuffer;
  #reading: Reading = "idle";
  #writing: Writing = "idle";
  /** When the present reading began, and when a byte last arrived or left: coarse milliseconds. */
  #waitingSince: number;
  #activeAt: number;
  /** Owes its response, or the rest of its content. */
  #exchange: SocketExchange | null = null;
  /** The WebSocket that the handler of the exchange accepted. */
  #upgrade: Upgrade | null = null;
  #requests = 0;
  #discardedBytes = 0;
  /** The client has closed its sending side. */
  #clientEnded = false;
  #pumping = false;
  /**
   * Whether no handler has run yet in this event of a socket that has an async context of its own: the first one needs no scope,
   * which would cost 0.6 of 7.0 µs a request (plaintext, paired runs).
   */
  #isCleanTurn = false;

  constructor(context: ServerContext, socket: Socket) {
    this.context = context;
    this.socket = socket;
    this.#waitingSince = context.now;
    this.#activeAt = context.now;
    this.#parser = new RequestParser(context.limits, context.createCaches);
    this.#buffer = new WriteBuffer(socket, context.encrypted);
  }

  // Events of the socket

  read(bytes: Buffer): void {
    this.#activeAt = this.context.now;
    if (this.#reading === "dropped") return;
    if (bytes[0] === TLS_HANDSHAKE && this.#requests === 0 && this.#reading === "idle" && !this.context.encrypted) {
      this.#closeTls();
      return;
    }
    this.#parser.push(bytes);
    this.#isCleanTurn = this.context.scope.separatesEvents;
    this.#pump();
    this.#isCleanTurn = false;
    if (this.#parser.bufferedBytes > MAX_BUFFERED_BYTES && !this.#mayParse()) this.socket.pause();
  }

  readFrames(bytes: Buffer): boolean {
    return this.#upgrade?.read(bytes) ?? false;
  }

  /** The client has closed its sending side. It may still read (RFC 9112 §9.6). */
  ended(): void {
    this.#clientEnded = true;
    if (this.#writing === "closed") this.socket.destroySoon();
    else this.#pump();
  }

  /** The system has taken all that was written. */
  drained(): void {
    this.#activeAt = this.context.now;
    this.#buffer.unblock();
    this.#pump();
  }

  closed(cause: unknown): void {
    this.context.connections.delete(this);
    this.#enter("closed", "dropped");
    // The stack of an error costs more than the rest of a close, and most connections close when they owe nothing.
    if (this.#exchange !== null || this.#buffer.isPending) this.#fail(clientDisconnected(cause));
    this.#buffer.unblock();
    this.#exchange = null;
  }

  // Calls of the server

  sweep(now: number): void {
    const waiting = this.#waitingFor();
    // At least so long: what was noted as of one sweep may have come as late as the next one.
    const waitingMs = now - this.#waitingSince - SWEEP_MS;
    const action = exceededTimeout(
      {
        waiting,
        waitingMs,
        silentMs: now - this.#activeAt - SWEEP_MS,
        unreadMs: this.#buffer.unreadMs(now),
        blocked: this.#buffer.blocked,
        drainIdleMs: this.context.lifespan.isDraining ? this.context.drainIdleMs : null,
      },
      this.context.limits,
    );
    switch (action) {
      case "restart":
        this.#restartTimes();
        break;
      case "reset":
        this.#fail(responseTimeout());
        this.truncate();
        break;
      case "destroy":
        this.socket.destroy();
        break;
      case "disconnect":
        this.#fail(clientDisconnected());
        this.socket.destroy();
        break;
      case "refuse-head":
        this.#refuseHead(408, "HEAD_TIMEOUT", "The request head did not arrive in time");
        break;
      case "fail-content":
        this.#loseContent(contentTimeout());
        break;
      case "finish":
        this.#close();
        break;
      case "close-websocket":
        this.#upgrade?.close();
        break;
      case "none":
        if (waiting === "next-request" && waitingMs >= 0) this.#parser.trim();
        break;
    }
  }

  get running(): number {
    return this.#exchange === null ? 0 : 1;
  }

  get isWebSocket(): boolean {
    return this.#writing === "websocket";
  }

  /** The server shuts down. An idle connection stays open for a request that is on its way, a WebSocket for the application's close. */
  drain(): void {
    if (this.#reading === "idle" || this.#writing === "websocket") this.#restartTimes();
  }

  whenClosed(): Promise<void> {
    return new Promise((resolve) => {
      this.socket.once("close", () => {
        resolve();
      });
    });
  }

  terminate(): void {
    const truncates = this.#exchange?.responseBody?.headWritten === true || this.socket.writableLength > 0;
    this.#fail(serverClosed());
    this.#upgrade?.terminate();
    if (truncates) this.truncate();
    else this.socket.destroy();
  }

  // Calls of the exchanges

  send(exchange: SocketExchange, response: OutgoingResponse): void {
    if (exchange !== this.#exchange) {
      cancelBody(response.body, exchange.failure);
    } else if (response.status === 101 && this.#upgrade !== null) {
      this.#handOver(exchange, this.#upgrade, response);
    } else {
      const last = this.#isLast(exchange);
      const streamed = writeResponse(this.#buffer, this.context, exchange.head, response, last);
      if (streamed === null) this.#sent(exchange, last);
      else this.#stream(exchange, streamed);
    }
  }

  sendFailure(exchange: SocketExchange, response: PlainResponse): void {
    const last = this.#isLast(exchange);
    writePlain(this.#buffer, this.context, exchange.head, response, last);
    this.#sent(exchange, last);
  }

  sendInformational(exchange: SocketExchange, status: number, headers: HeaderFields | undefined): void {
    checkInformationalStatus(status);
    const lines = informationalLines(headers);
    if (!this.#awaitsResponse(exchange)) return;
    let text = statusLine(status);
    for (let i = 0; i < lines.length; i += 2) text += `${lines[i]}: ${lines[i + 1]}\r\n`;
    this.#buffer.text(`${text}\r\n`);
    this.#buffer.flush();
  }

  contentOpened(exchange: SocketExchange): void {
    if (!exchange.head.expectsContinue || !this.#awaitsResponse(exchange)) return;
    this.#buffer.text("HTTP/1.1 100 Continue\r\n\r\n");
    this.#buffer.flush();
  }

  contentPulled(): void {
    this.#activeAt = this.context.now;
    this.#pump();
  }

  giveUp(exchange: SocketExchange): void {
    if (exchange === this.#exchange) this.#close();
  }

  truncate(): void {
    try {
      this.socket.resetAndDestroy();
    } catch {
      // Only TCP has a reset: a Unix domain socket does not.
      this.socket.destroy();
    }
  }

  // Requests

  /** Takes events from the parser while there is a place for them, then gives the socket what was written. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#mayParse()) {
      let event: RequestEvent | null;
      try {
        event = this.#parser.next();
      } catch (error) {
        this.#refuseBytes(error);
        break;
      }
      if (event === null) {
        this.#starved();
        break;
      }
      if (event.kind === "request") this.#begin(event);
      else if (event.kind === "data") this.#receive(event.bytes);
      else this.#receiveEnd(event.trailers);
    }
    this.#pumping = false;
    // All of the request that will arrive has arrived, and the handler has not responded at once.
    if (this.#clientEnded && this.#writing === "response" && this.#reading !== "content") this.#exchange?.clientEnded();
    this.#buffer.flush();
  }

  /** Whether there is a place for the next event. */
  #mayParse(): boolean {
    if (this.#buffer.blocked) return false;
    switch (this.#reading) {
      case "idle":
      case "head":
      case "discarded":
        return true;
      case "content":
        return this.#exchange?.request.body?.full !== true;
      case "complete":
      case "lost":
      case "dropped":
      default:
        return false;
    }
  }

  /** All bytes that arrived are used up. */
  #starved(): void {
    if (this.#clientEnded) {
      if (this.#reading === "content") {
        this.#fail(clientDisconnected());
        this.socket.destroy();
      } else {
        this.#close();
      }
      return;
    }
    if (this.socket.isPaused()) this.socket.resume();
    if (this.#reading === "idle" && this.#parser.insideHead) this.#enter("idle", "head");
  }

  #begin(head: RequestHead): void {
    this.#requests++;
    const { limits, encrypted } = this.context;
    const scope = this.#isCleanTurn ? null : this.context.scope;
    this.#isCleanTurn = false;
    if (head.contentLength !== "chunked" && head.contentLength > limits.maxBodyBytes) {
      this.#refuse(
        head,
        413,
        "REQUEST_BODY_TOO_LARGE",
        `The request content is longer than ${limits.maxBodyBytes} bytes`,
      );
      return;
    }
    if (isMisdirected(head.target, encrypted)) {
      const { status, code, message } = misdirected();
      this.#refuse(head, status, code, message);
      return;
    }
    const exchange = new SocketExchange(this, head);
    this.#exchange = exchange;
    const { body } = exchange.request;
    this.#enter("response", body === null || this.#receiveWhole(head, body) ? "complete" : "content");
    const refusal = head.upgrade === null ? null : this.#offerWebSocket(exchange);
    if (refusal === null) exchange.run(scope);
    else exchange.respond(refusal);
  }

  /** Not a part of `#begin`: the scope of a closure is allocated at each call, whether or not the closure is made. */
  #offerWebSocket(exchange: SocketExchange): OutgoingResponse | null {
    return offerWebSocket(exchange.request, exchange, this.context.logger, (upgrade) => {
      this.#upgrade = upgrade;
    });
  }

  /** Gives the content to the body before the handler runs, where it has arrived with its head. */
  #receiveWhole({ expectsContinue }: RequestHead, body: BodyQueue): boolean {
    const bytes = expectsContinue ? null : this.#parser.takeContent();
    if (bytes === null) return false;
    body.push(bytes);
    body.end();
    return true;
  }

  #receive(bytes: Uint8Array): void {
    if (this.#reading === "discarded") {
      this.#discardedBytes += bytes.byteLength;
      if (this.#discardedBytes > this.context.limits.maxDrainBytes) this.#close();
      return;
    }
    const body = this.#exchange?.request.body;
    if (body?.push(bytes) === false) this.#enter("response", "lost");
    if (body?.full === true) this.socket.pause();
  }

  #receiveEnd(trailers: readonly string[]): void {
    if (this.#reading === "discarded") {
      this.#next();
      return;
    }
    this.#enter("response", "complete");
    this.#exchange?.request.body?.end(trailers);
  }

  /** The parser refused what arrived. */
  #refuseBytes(error: unknown): void {
    if (!(error instanceof RequestError)) throw error;
    if (this.#reading === "content") this.#loseContent(contentMalformed(error.message, error));
    else if (this.#reading === "discarded") this.#close();
    else this.#refuseHead(error.status, error.code, error.message);
  }

  #loseContent(error: ExchangeError): void {
    this.#enter("response", "lost");
    this.#exchange?.request.body?.fail(error);
  }

  /** Refuses a request of which no head has been read. */
  #refuseHead(status: number, code: string, message: string): void {
    this.#refuse({ method: this.#parser.method, minorVersion: 1 }, status, code, message);
  }

  /** Refuses a request before a handler runs, and closes the connection. */
  #refuse(request: RespondedHead, status: number, code: string, message: string): void {
    this.context.logger.warn(refusalLine(clientAddress(this.socket), status, code, message));
    writePlain(this.#buffer, this.context, request, plainResponse(status, message), true);
    this.#close();
  }

  /** A client of TLS cannot read a response in plain text. */
  #closeTls(): void {
    const client = clientAddress(this.socket);
    const name = client?.transport === "tcp" ? client.hostname : "a local client";
    this.context.logger.warn(`Closed a connection from ${name}: it speaks TLS, and this port does not`);
    this.socket.destroy();
  }

  // Responses

  #stream(exchange: SocketExchange, response: StreamedResponse): void {
    const sink = new ResponseSink(this.#buffer, response, {
      flushed: () => {
        this.#activeAt = this.context.now;
      },
      ended: () => {
        this.#sent(exchange, response.last);
      },
      failed: (error) => {
        if (exchange.running) {
          exchange.handlerFailed(error);
        } else {
          exchange.responseBody?.release(error);
          this.truncate();
        }
      },
    });
    const body = new BodyWriter(sink, response.source, response.contentLength, response.trailers);
    exchange.responseBody = body;
    body.start();
  }

  /** From the 101 on, the connection is the WebSocket's (TSGI-49). */
  #handOver(exchange: SocketExchange, upgrade: Upgrade, { headers, body }: OutgoingResponse): void {
    this.#buffer.flush();
    // Where the 101 cannot be sent, a 500 is the last response: what followed the request has been given away.
    this.#enter("response", "lost");
    upgrade.open(this.socket, this.#parser.takeRest(), headers);
    cancelUnsentBody(body);
    if (!upgrade.opened) return;
    this.#enter("websocket", "dropped");
    this.#exchange = null;
    exchange.succeed();
  }

  /** The whole response has been written to the buffer. */
  #sent(exchange: SocketExchange, last: boolean): void {
    if (exchange.awaited) this.#buffer.settleWhenTaken(exchange);
    else exchange.succeed();
    this.#proceed(exchange, last);
  }

  /** Goes on with the next request, or with the rest of this one's content. */
  #proceed(exchange: SocketExchange, last: boolean): void {
    if (last) {
      const isComplete = this.#reading === "complete" && this.#parser.bufferedBytes === 0;
      this.#close(!exchange.head.keepAlive && isComplete);
    } else if (this.#reading === "content") {
      this.#discardedBytes = 0;
      this.#enter("idle", "discarded");
      exchange.request.body?.abandon();
    } else {
      this.#next();
    }
    if (!this.#pumping) this.#pump();
  }

  #next(): void {
    this.#exchange = null;
    this.#upgrade = null;
    this.#enter("idle", "idle");
  }

  /** Whether the connection ends with the response of this exchange. */
  #isLast(exchange: SocketExchange): boolean {
    const { limits, lifespan } = this.context;
    const { keepAlive, expectsContinue, contentLength } = exchange.head;
    if (!keepAlive || this.#reading === "lost" || this.#requests >= limits.maxRequestsPerConnection) return true;
    if (lifespan.isDraining || this.#clientEnded) {
      // Requests that have arrived behind it are served first.
      return this.#parser.insideContent || this.#parser.bufferedBytes === 0;
    }
    // The content that no reader has opened: a client that waits for 100 may or may not send it, and a long one is not worth reading.
    if (this.#reading !== "content" || exchange.request.body?.opened === true) return false;
    return expectsContinue || (contentLength !== "chunked" && contentLength > limits.maxDrainBytes);
  }

  /**
   * Closes in order. What still arrives is dropped for a while: a reset would take the last response with it (RFC 9112 §9.6).
   * @param isLastRequest whether nothing can follow: the client has asked for the close, and all that it sent has been read.
   */
  #close(isLastRequest = false): void {
    this.#enter("closed", "dropped");
    this.#activeAt = this.context.now;
    this.#exchange = null;
    this.#buffer.flush();
    this.#parser.takeRest();
    if (isLastRequest && !this.context.encrypted && !this.#buffer.isPending && this.socket.writableLength === 0) {
      // The system has the response, and sends it before it closes the connection: a half-close and its read cost a fifth of a request.
      this.socket.destroy();
    } else if (this.#clientEnded) {
      this.socket.destroySoon();
    } else {
      this.socket.end();
      if (this.socket.isPaused()) this.socket.resume();
    }
  }

  // State

  #enter<W extends Writing>(writing: W, reading: Readings[W]): void {
    this.#writing = writing;
    this.#reading = reading;
    this.#waitingSince = this.context.now;
  }

  #restartTimes(): void {
    this.#waitingSince = this.context.now;
    this.#activeAt = this.context.now;
  }

  /** Whether the handler of the exchange runs, and no response of it has begun. */
  #awaitsResponse(exchange: SocketExchange): boolean {
    return exchange === this.#exchange && this.#writing === "response" && exchange.responseBody === null;
  }

  #waitingFor(): Waiting {
    switch (this.#reading) {
      case "idle":
        return this.#requests === 0 ? "first-request" : "next-request";
      case "head":
        return "head";
      case "content":
        return this.#exchange?.request.body?.waiting === true ? "content" : "response";
      case "complete":
      case "lost":
        return this.#clientEnded && this.#exchange?.responseBody?.waitsForClient === false ? "half-closed" : "response";
      case "discarded":
        return "discarded-content";
      case "dropped":
      default:
        return this.#writing === "websocket" ? "websocket" : "close";
    }
  }

  #fail(error: ExchangeError): void {
    this.#exchange?.fail(error);
    // The exchange of a client that closed its sending side has failed before, and its response may be on its way.
    this.#exchange?.responseBody?.release(error);
    this.#buffer.fail(error);
  }
}
