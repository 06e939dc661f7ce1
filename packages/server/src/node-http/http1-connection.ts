/** A client connection of HTTP/1.1: its exchanges, its timeouts, and a close that does not lose the last response. */
import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { OutgoingResponse } from "@tsgi/gateway-spec";
import {
  cancelUnsentBody,
  clientAddress,
  clientDisconnected,
  contentMalformed,
  contentTimeout,
  plainResponse,
  refusalLine,
  responseTimeout,
  serverClosed,
} from "@tsgi/gateway-spec/server-kit";
import { NodeExchange, type NodeHost } from "@tsgi/gateway-spec/server-kit/node";
import { reasonPhrase } from "../http1/index.ts";
import { LINGER_MS, MAX_LINGER_MS } from "../options.ts";
import type { Listed } from "../runtime/unordered-list.ts";
import type { Runtime, ServedConnection } from "../runtime/run-server.ts";
import { offerWebSocket, type Upgrade } from "../websocket/upgrade.ts";
import { Activity } from "./activity.ts";
import { type ClientError, type HeadChecker, type Refusal, parserRefusal } from "./request-head.ts";

/** What all connections of one server share. */
export interface ConnectionContext extends Runtime {
  readonly host: NodeHost;
  readonly heads: HeadChecker;
}

export class Http1Connection implements ServedConnection, Listed {
  listIndex = -1;
  readonly #context: ConnectionContext;
  readonly #socket: Socket;
  /**
   * - `open`: requests are handled.
   * - `closing`: the present response is the last one; later requests are ignored.
   * - `lingering`: the sending side is closed; what the client still sends is read and dropped (RFC 9112 §9.6).
   */
  #state: "open" | "closing" | "lingering" = "open";
  /** In the order of their requests. An exchange that has ended is removed later. */
  #exchanges: NodeExchange[] = [];
  /** The exchange whose request is not complete yet. It may outlast its response. */
  #receiving: NodeExchange | null = null;
  /** Since when the rest of a request is read and dropped. */
  #drainingSince: number | null = null;
  #lingeringSince = 0;
  #requests = 0;
  /** Node loses the bytes behind the present request. */
  #losesNext = false;
  /** The bytes behind a request that asks for another protocol. */
  #upgradeHead: Buffer | null = null;
  /** The WebSocket that the handler accepted. */
  #upgrade: Upgrade | null = null;
  /** When a byte was last received or sent while the server waited for the client, or it did not wait. */
  #activeAt: number;
  readonly #activity = new Activity();

  constructor(context: ConnectionContext, socket: Socket) {
    this.#context = context;
    this.#socket = socket;
    this.#activeAt = context.now;
    // Node closes by this after a last response. With unread bytes it would send a reset, which can make the client lose the response.
    socket.destroySoon = () => {
      this.#linger();
    };
  }

  /** @param awaitsContinue node has not sent `100 Continue` to a client that awaits it. */
  request(req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean): void {
    if (!this.#accept(req, res)) return;
    const { limits, host } = this.#context;
    if (this.#losesNext || this.#requests >= limits.maxRequestsPerConnection) {
      this.#state = "closing";
      res.shouldKeepAlive = false;
    }
    // Node would keep the connection. RFC 9112 §9.3: "If the "close" connection option is present, the connection will not persist
    // after the current response".
    if (req.httpVersionMinor === 0 && CLOSE.test(req.headers.connection ?? "")) res.shouldKeepAlive = false;
    const exchange = new NodeExchange(req, res, host, awaitsContinue);
    this.#add(exchange);
    const refusal = this.#upgradeHead === null ? null : this.#offerWebSocket(exchange);
    if (refusal === null) exchange.run();
    else exchange.respond(refusal);
  }

  /** Node handles a request that asks for another protocol, but loses the bytes that it read behind the request. */
  losesNext(): void {
    this.#losesNext = true;
  }

  /** A request that asks for another protocol. Node has released the connection, and may not have sent the responses before it. */
  upgrade(req: IncomingMessage, head: Buffer): void {
    // Node has removed its own listeners.
    this.#socket.on("error", () => undefined);
    const last = this.#exchanges.at(-1)?.res;
    // Node destroys a response when it has left and the socket is free.
    if (last === undefined || last.destroyed) {
      this.#handleUpgrade(req, head);
      return;
    }
    this.#socket.on("drain", () => {
      for (const { res } of this.#running()) if (res.writableNeedDrain) res.emit("drain");
    });
    // Responses leave in the order of their requests (TSGI-43).
    last.once("close", () => {
      this.#handleUpgrade(req, head);
    });
  }

  /** A response other than 101 is the last one of the connection. */
  #handleUpgrade(req: IncomingMessage, head: Buffer): void {
    if (this.#state !== "open" || this.#socket.destroyed) return;
    const res = new ServerResponse(req);
    res.assignSocket(this.#socket);
    res.shouldKeepAlive = false;
    res.once("finish", () => {
      res.detachSocket(this.#socket);
      this.#linger();
    });
    this.#upgradeHead = head;
    this.request(req, res, false);
  }

  /** The response of the handler is 101. @throws TypeError for a response that cannot be sent. */
  openWebSocket(exchange: NodeExchange, { headers, body }: OutgoingResponse): void {
    const upgrade = this.#upgrade;
    if (upgrade === null || this.#upgradeHead === null) {
      throw new TypeError("The status of a response is 101 only where upgradeWebSocket was called");
    }
    upgrade.open(this.#socket, this.#upgradeHead, headers);
    cancelUnsentBody(body);
    if (!upgrade.opened) return;
    exchange.res.detachSocket(this.#socket);
    exchange.upgraded();
    this.#exchanges = [];
  }

  /** Node's parser refused what it read. */
  parserFailed(error: ClientError): void {
    const socket = this.#socket;
    if (this.#state !== "open" || !socket.writable) return;
    this.#state = "closing";
    // RFC 9112 §9.6: a server "MUST NOT process any further requests received on that connection".
    if (error.code === "HPE_CLOSED_CONNECTION") return;
    if (this.#receiving?.req.complete === false) {
      this.#contentFailed(this.#receiving, error);
      return;
    }
    // A client that sent nothing gets no response.
    if (socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    const last = this.#running().at(-1);
    const isWhole = last !== undefined || socket.bytesRead === error.rawPacket?.length;
    const refusal = parserRefusal(error, isWhole, this.#context.limits);
    if (last === undefined) this.#refuseByHand(refusal);
    else {
      // Responses leave in the order of their requests (TSGI-43).
      last.res.once("finish", () => {
        this.#refuseByHand(refusal);
      });
    }
  }

  /** The socket is closed. */
  closed(): void {
    for (const exchange of this.#running()) exchange.fail(clientDisconnected());
  }

  /** Enforces the timeouts that node does not: it has those of heads and of idle connections. */
  sweep(now: number): void {
    const { limits, lifespan, drainIdleMs } = this.#context;
    if (this.#upgrade?.opened === true) {
      if (lifespan.isDraining && now - this.#activeAt > drainIdleMs) this.#upgrade.close();
      return;
    }
    this.#exchanges = this.#running();
    if (this.#receiving?.req.complete === true) this.#receiving = null;
    const isIdle = this.#exchanges.length === 0;
    if (isIdle && this.#receiving !== null) {
      this.#drainingSince ??= now;
      if (now - this.#drainingSince > limits.bodyTimeoutMs) this.#linger();
    }
    const waiting = this.#exchanges.find(({ waitingFor }) => waitingFor !== null);
    if (this.#activity.hasMoved(this.#socket, waiting?.waitingFor === "reader") || (waiting === undefined && !isIdle)) {
      this.#activeAt = now;
      if (this.#state !== "lingering") return;
    }
    const idleMs = now - this.#activeAt;
    if (this.#state === "lingering") {
      if (idleMs > LINGER_MS || now - this.#lingeringSince > MAX_LINGER_MS) this.#socket.destroy();
    } else if (waiting?.waitingFor === "content") {
      if (idleMs > limits.bodyTimeoutMs) waiting.contentFailed(contentTimeout());
    } else if (waiting?.waitingFor === "reader") {
      if (idleMs > limits.sendTimeoutMs) waiting.abort(responseTimeout());
    } else if (isIdle && lifespan.isDraining && idleMs > drainIdleMs) {
      this.#linger();
    }
  }

  get running(): number {
    return this.#running().length;
  }

  get isWebSocket(): boolean {
    return this.#upgrade?.opened === true;
  }

  /** The server shuts down: from now on, an idle connection closes after `drainIdleMs`. */
  drain(): void {
    this.#activeAt = this.#context.now;
  }

  whenClosed(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("close", () => {
        resolve();
      });
    });
  }

  terminate(): void {
    for (const exchange of this.#running()) exchange.abort(serverClosed());
    this.#upgrade?.terminate();
    this.#socket.destroy();
  }

  /** @returns whether a handler may see the request; if not, it has got its response, or there is none. */
  #accept(req: IncomingMessage, res: ServerResponse): boolean {
    if (this.#state !== "open") return false;
    this.#requests++;
    const refusal = this.#context.heads.refusalOf(req, this.#upgradeHead !== null);
    if (refusal === null) return true;
    this.#refuse(res, refusal);
    return false;
  }

  #offerWebSocket(exchange: NodeExchange): OutgoingResponse | null {
    return offerWebSocket(exchange.request, exchange, this.#context.logger, (upgrade) => {
      this.#upgrade = upgrade;
    });
  }

  /** The framing is lost, so the present response, which may be sent already, is the last one. */
  #contentFailed(exchange: NodeExchange, error: ClientError): void {
    const { res } = exchange;
    if (res.writableFinished) {
      this.#linger();
      return;
    }
    // The client is gone in the middle of the content. Over TLS, a reset is reported like that too.
    const isEnd = error.code === "HPE_INVALID_EOF_STATE" || error.code === "ECONNRESET";
    if (isEnd && !res.writableEnded) {
      this.#socket.destroy();
      return;
    }
    // The head may have left without `Connection: close`.
    res.once("finish", () => {
      this.#linger();
    });
    exchange.contentFailed(contentMalformed(undefined, error));
  }

  #add(exchange: NodeExchange): void {
    const exchanges = this.#exchanges;
    while (exchanges[0] !== undefined && hasEnded(exchanges[0])) exchanges.shift();
    exchanges.push(exchange);
    this.#receiving = exchange;
    this.#drainingSince = null;
  }

  #running(): NodeExchange[] {
    return this.#exchanges.filter((exchange) => !hasEnded(exchange));
  }

  /** Refuses a request before a handler runs. The connection closes after the response (RFC 9112 §9.6). */
  #refuse(res: ServerResponse, { status, code, message }: Refusal): void {
    this.#state = "closing";
    this.#log(status, code, message);
    const { headers, body } = plainResponse(status, message);
    res.writeHead(status, reasonPhrase(status), { ...headers, "Content-Length": body.length, Connection: "close" });
    res.end(body);
  }

  /** The same for bytes that node has made no request of. */
  #refuseByHand({ status, code, message }: Refusal): void {
    if (!this.#socket.writable) return;
    this.#log(status, code, message);
    const { headers, body } = plainResponse(status, message);
    this.#socket.write(
      `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\ncontent-type: ${headers["content-type"]}\r\n` +
        `Date: ${new Date().toUTCString()}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    this.#linger();
  }

  #log(status: number, code: string, message: string): void {
    this.#context.logger.warn(refusalLine(clientAddress(this.#socket), status, code, message));
  }

  #linger(): void {
    if (this.#state === "lingering") return;
    this.#state = "lingering";
    this.#lingeringSince = this.#context.now;
    this.#activeAt = this.#context.now;
    this.#socket.end();
    this.#socket.resume();
  }
}

const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

function hasEnded({ res }: NodeExchange): boolean {
  return res.writableFinished || res.destroyed;
}
