/** What node:http does not keep of a client connection: its exchanges, its silence, and an end that loses no answer. */
import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Handler, Logger, OutgoingResponse } from "@tsgi/gateway-spec";
import { cancelBody, exchangeError, plainResponse } from "@tsgi/gateway-spec/server-kit";
import { handleExchange, NodeExchange, type NodeHost } from "@tsgi/gateway-spec/node";
import { refusalLine } from "../failures.ts";
import { reasonPhrase, RequestError } from "../http1/index.ts";
import { serverClosed } from "../lifecycle.ts";
import { LINGER_MS, type Limits } from "../options.ts";
import { offerWebSocket, type Upgrade } from "../websocket/upgrade.ts";
import { type ClientError, type HeadChecker, type Refusal, refusalOf } from "./request-head.ts";

/** What all connections of one server share. */
export interface ConnectionContext {
  readonly host: NodeHost;
  readonly handler: Handler;
  readonly limits: Limits;
  readonly heads: HeadChecker;
  readonly logger: Logger;
  /** Coarse: milliseconds, as of the last sweep. */
  now: number;
}

export class Http1Connection {
  readonly #context: ConnectionContext;
  readonly #socket: Socket;
  /** In the order of their requests; those that are over leave it late. */
  #exchanges: NodeExchange[] = [];
  /** The last one, until its request is complete: that may come after its response. */
  #last: NodeExchange | null = null;
  /** Since when content is read away that nobody waits for. */
  #restSince: number | null = null;
  #requests = 0;
  /** The present response is the last one: what comes behind its request is not answered. */
  #closing = false;
  #lingering = false;
  /** Node will lose what comes behind the present request. */
  #loses = false;
  /** What came behind a request that names a protocol to change to. */
  #behindUpgrade: Buffer | null = null;
  /** The WebSocket that the exchange's handler accepted. */
  #upgrade: Upgrade | null = null;
  /** When a byte last came or went, or nobody waited for one. */
  #since: number;
  #progress = 0;

  constructor(context: ConnectionContext, socket: Socket) {
    this.#context = context;
    this.#socket = socket;
    this.#since = context.now;
    // Node's way of closing after a last response. With bytes unread it would send a reset, which may take the response along.
    socket.destroySoon = () => {
      this.#linger();
    };
  }

  /** @param awaitsContinue node left `Expect: 100-continue` to us. */
  request(req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean): void {
    const { limits, host, handler } = this.#context;
    if (!this.#accepts(req, res)) return;
    if (this.#loses || this.#requests >= limits.maxRequestsPerConnection) {
      this.#closing = true;
      res.shouldKeepAlive = false;
    }
    // Node would keep it. RFC 9112 §9.3: "If the "close" connection option is present, the connection will not persist after the
    // current response; else", and only then keep-alive.
    if (req.httpVersionMinor === 0 && CLOSE.test(req.headers.connection ?? "")) res.shouldKeepAlive = false;
    const exchange = new NodeExchange(req, res, host, awaitsContinue);
    this.#add(exchange);
    const refusal =
      this.#behindUpgrade === null
        ? null
        : offerWebSocket(exchange.request, exchange, host.logger, (upgrade) => {
            this.#upgrade = upgrade;
          });
    handleExchange(exchange, refusal === null ? handler : () => refusal);
  }

  /** Node goes on with a request that names a protocol to change to, but loses what came behind it in the same read. */
  losesRest(): void {
    this.#loses = true;
  }

  /**
   * A request that names a protocol to change to. Node has let go of the connection, so that an ordinary answer is the last one.
   */
  upgrade(req: IncomingMessage, head: Buffer): void {
    // Node took its own listener away.
    this.#socket.on("error", () => undefined);
    const res = new ServerResponse(req);
    res.assignSocket(this.#socket);
    res.shouldKeepAlive = false;
    res.once("finish", () => {
      res.detachSocket(this.#socket);
      this.#linger();
    });
    this.#behindUpgrade = head;
    this.request(req, res, false);
  }

  /** The handler answered 101. */
  open(exchange: NodeExchange, { headers, body }: OutgoingResponse): void {
    const upgrade = this.#upgrade;
    if (upgrade === null || this.#behindUpgrade === null) {
      throw new TypeError("The status of a response is 101 only where upgradeWebSocket was called");
    }
    upgrade.open(this.#socket, this.#behindUpgrade, headers);
    cancelBody(body, new Error("The response has no content"));
    if (!upgrade.opened) return;
    exchange.res.detachSocket(this.#socket);
    exchange.upgraded();
    this.#exchanges = [];
  }

  /** Node's parser refused what came. */
  broken(error: ClientError): void {
    if (this.#lingering || this.#closing || !this.#socket.writable) return;
    this.#closing = true;
    const { limits } = this.#context;
    if (this.#last?.req.complete === false) {
      this.#contentBroke(this.#last, error);
      return;
    }
    const last = this.#running().at(-1);
    // A connection that never said anything is not told anything.
    if (this.#socket.bytesRead === 0) {
      this.#socket.destroy();
      return;
    }
    const refusal = refusalOf(error, this.#socket.bytesRead === error.rawPacket?.length || last !== undefined, limits);
    if (last === undefined) {
      this.#refuse(refusal);
    } else {
      // Answers leave in the order of their requests (TSGI-43).
      last.res.once("finish", () => {
        this.#refuse(refusal);
      });
    }
  }

  closed(): void {
    for (const exchange of this.#running()) {
      exchange.fail(exchangeError("CLIENT_DISCONNECTED", "The client closed the connection"));
    }
  }

  /** Looks for a peer that has been silent too long. Heads and pauses between exchanges are on node's own clock. */
  sweep(now: number): void {
    const { limits, host } = this.#context;
    if (this.#upgrade?.opened === true) {
      if (host.draining.aborted && now - this.#since > limits.drainIdleMs) this.#upgrade.close();
      return;
    }
    const socket = this.#socket;
    this.#exchanges = this.#running();
    const waiting = this.#exchanges.find(({ waitingFor }) => waitingFor !== null);
    const taken = socket.bytesWritten - socket.writableLength;
    // A reader does not read by sending.
    const progress = waiting?.waitingFor === "reader" ? taken : taken + socket.bytesRead;
    const idle = this.#exchanges.length === 0;
    if (this.#last?.req.complete === true) this.#last = null;
    if (idle && this.#last !== null) {
      this.#restSince ??= now;
      if (now - this.#restSince > limits.bodyTimeoutMs) this.#linger();
    }
    if (progress !== this.#progress || (waiting === undefined && !idle)) {
      this.#progress = progress;
      this.#since = now;
      if (!this.#lingering) return;
    }
    const silence = now - this.#since;
    if (this.#lingering) {
      if (silence > LINGER_MS) socket.destroy();
    } else if (waiting?.waitingFor === "content") {
      if (silence > limits.bodyTimeoutMs) {
        waiting.contentFailed(exchangeError("REQUEST_BODY_TIMEOUT", "The request content did not come in time"));
      }
    } else if (waiting?.waitingFor === "reader") {
      if (silence > limits.sendTimeoutMs) {
        waiting.fail(exchangeError("RESPONSE_TIMEOUT", "The client did not take the response"));
      }
    } else if (idle && host.draining.aborted && silence > limits.drainIdleMs) {
      this.#linger();
    }
  }

  /** The server shuts down. Idle connections get a moment for a request that is on its way, WebSockets for their own farewell. */
  drain(): void {
    this.#since = this.#context.now;
  }

  /** The server's patience is over. Settles when the connection is closed, and everyone has heard of it. */
  cut(): Promise<void> {
    return new Promise((resolve) => {
      // Over TLS it may be closed before destroy() returns, or as soon as an exchange has failed.
      this.#socket.once("close", () => {
        resolve();
      });
      for (const exchange of this.#running()) exchange.fail(serverClosed());
      this.#upgrade?.terminate();
      this.#socket.destroy();
    });
  }

  /** Whether the request goes further; where it does not, it has its answer. */
  #accepts(req: IncomingMessage, res: ServerResponse): boolean {
    if (this.#closing || this.#lingering) return false;
    this.#requests++;
    const { limits, heads } = this.#context;
    try {
      const contentLength = heads.check(req);
      if (contentLength !== 0 && this.#behindUpgrade !== null) {
        // Before version 24.9 node takes the content for the other protocol's first bytes.
        const message = "This server takes no content with a change of protocol";
        this.#answer(res, { status: 501, code: "UPGRADE_WITH_CONTENT", message });
        return false;
      }
      if (contentLength <= limits.maxBodyBytes) return true;
      const message = `The request content is longer than ${limits.maxBodyBytes} bytes`;
      this.#answer(res, { status: 413, code: "REQUEST_BODY_TOO_LARGE", message });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#answer(res, error);
    }
    return false;
  }

  /** What comes behind belongs to nobody: the response, which may be out already, is the last one. */
  #contentBroke(exchange: NodeExchange, error: ClientError): void {
    const { res } = exchange;
    if (res.writableFinished) {
      this.#linger();
      return;
    }
    // An end in the middle of content, which over TLS is all that is told of a reset.
    const isEnd = error.code === "HPE_INVALID_EOF_STATE" || error.code === "ECONNRESET";
    if (isEnd && !res.writableEnded) {
      this.#socket.destroy();
      return;
    }
    // One that has been begun may have said that the connection goes on.
    res.once("finish", () => {
      this.#linger();
    });
    exchange.contentFailed(exchangeError("REQUEST_BODY_MALFORMED", "The request content is malformed", error));
  }

  #add(exchange: NodeExchange): void {
    const exchanges = this.#exchanges;
    while (exchanges[0] !== undefined && isOver(exchanges[0])) exchanges.shift();
    exchanges.push(exchange);
    this.#last = exchange;
    this.#restSince = null;
  }

  #running(): NodeExchange[] {
    return this.#exchanges.filter((exchange) => !isOver(exchange));
  }

  /** Answers a request that no handler will see; the connection ends (RFC 9112 §9.6). */
  #answer(res: ServerResponse, { status, code, message }: Refusal): void {
    this.#closing = true;
    this.#log(status, code, message);
    const { headers, body } = plainResponse(status, message);
    res.writeHead(status, reasonPhrase(status), { ...headers, "Content-Length": body.length, Connection: "close" });
    res.end(body);
  }

  /** The same where node has no response to write to. */
  #refuse({ status, code, message }: Refusal): void {
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
    const { remoteAddress: hostname, remotePort: port } = this.#socket;
    const client =
      hostname === undefined || port === undefined ? null : ({ transport: "tcp", hostname, port } as const);
    this.#context.host.logger.warn(refusalLine(client, status, code, message));
  }

  /** Nothing more is answered here; what the client still sends is read away for a while. */
  #linger(): void {
    if (this.#lingering) return;
    this.#lingering = true;
    this.#since = this.#context.now;
    this.#socket.end();
    this.#socket.resume();
  }
}

const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

function isOver({ res }: NodeExchange): boolean {
  return res.writableFinished || res.destroyed;
}
