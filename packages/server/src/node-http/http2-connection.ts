/** A client connection of HTTP/2. Node's sessions and nghttp2 do the protocol; rules, limits and timeouts are those of HTTP/1.1. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import {
  clientAddress,
  clientDisconnected,
  contentTimeout,
  plainResponse,
  refusalLine,
  responseTimeout,
  serverClosed,
} from "@tsgi/gateway-spec/server-kit";
import { NodeExchange } from "@tsgi/gateway-spec/server-kit/node";
import { LINGER_MS } from "../options.ts";
import type { ServedConnection } from "../runtime/run-server.ts";
import { UnorderedList } from "../runtime/unordered-list.ts";
import { Activity } from "./activity.ts";
import type { ConnectionContext } from "./http1-connection.ts";
import type { Refusal } from "./request-head.ts";

/** The error code REFUSED_STREAM of RFC 9113 §7. */
const REFUSED_STREAM = 7;

export class Http2Connection implements ServedConnection {
  readonly #context: ConnectionContext;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #exchanges = new UnorderedList<NodeExchange>();
  #requests = 0;
  #closing = false;
  /** When a byte was last received or sent while the server waited for the client, or it did not wait. */
  #activeAt: number;
  readonly #activity = new Activity();

  /** @param socket of the session: that of `session.socket` cannot be destroyed. */
  constructor(context: ConnectionContext, session: ServerHttp2Session, socket: Socket) {
    this.#context = context;
    this.#session = session;
    this.#socket = socket;
    this.#activeAt = context.now;
  }

  /** @param awaitsContinue node has not sent `100 Continue` to a client that awaits it. */
  request(req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean): void {
    const { limits, heads, host, lifespan } = this.#context;
    if (this.#closing) {
      // The stream is beyond the last one that our GOAWAY names. By this code, the client may send the request again.
      streamOf(res).close(REFUSED_STREAM);
      return;
    }
    this.#requests++;
    if (this.#requests >= limits.maxRequestsPerConnection || lifespan.isDraining) this.#close();
    const refusal = heads.refusalOf(req);
    if (refusal !== null) {
      this.#refuse(res, refusal);
      return;
    }
    const exchange = new NodeExchange(req, res, host, awaitsContinue);
    this.#exchanges.add(exchange);
    // It is emitted once, so that once() would only cost its wrapper.
    res.on("close", () => {
      this.#exchanges.delete(exchange);
    });
    exchange.run();
  }

  /** The session is closed. */
  closed(): void {
    for (const exchange of this.#exchanges) exchange.fail(clientDisconnected());
  }

  /** Enforces the timeouts. They are those of the connection: its streams have none of their own. */
  sweep(now: number): void {
    const { limits, lifespan, drainIdleMs } = this.#context;
    const session = this.#session;
    if (session.destroyed) {
      // Node has ended its side, and waits without a limit for the client to do the same.
      if (this.#activity.hasMoved(this.#socket, true)) this.#activeAt = now;
      else if (now - this.#activeAt > LINGER_MS) this.#socket.destroy();
      return;
    }
    const waiting = Array.from(this.#exchanges).filter(({ waitingFor }) => waitingFor !== null);
    const isIdle = this.#exchanges.length === 0;
    // Clients that have to read do not do so by sending, but one connection may be waited for in both ways.
    const onlySent = waiting.every(({ waitingFor }) => waitingFor === "reader");
    if (this.#activity.hasMoved(this.#socket, onlySent) || (waiting.length === 0 && !isIdle)) {
      this.#activeAt = now;
      if (!this.#closing) return;
    }
    const idleMs = now - this.#activeAt;
    for (const exchange of waiting) {
      if (exchange.waitingFor === "reader") {
        if (idleMs > limits.sendTimeoutMs) exchange.abort(responseTimeout());
      } else if (idleMs > limits.bodyTimeoutMs) {
        exchange.contentFailed(contentTimeout());
      }
    }
    if (!isIdle) return;
    if (idleMs > (lifespan.isDraining ? drainIdleMs : limits.keepAliveTimeoutMs)) this.#close();
    if (this.#closing && idleMs > LINGER_MS) session.destroy();
  }

  get running(): number {
    return this.#exchanges.length;
  }

  get isWebSocket(): boolean {
    return false;
  }

  /**
   * The server shuts down: the streams that run are the last ones. An idle connection has `drainIdleMs` for a request that is on its
   * way, as over HTTP/1.1. RFC 9113 §6.8 proposes a first GOAWAY that allows any stream, but after a GOAWAY nghttp2 takes no stream.
   */
  drain(): void {
    this.#activeAt = this.#context.now;
    if (this.#exchanges.length > 0) this.#close();
  }

  whenClosed(): Promise<void> {
    return new Promise((resolve) => {
      this.#session.once("close", resolve);
    });
  }

  terminate(): void {
    for (const exchange of this.#exchanges) exchange.abort(serverClosed());
    this.#session.destroy();
    // When the last frames have been written: node would wait for the client to close its side.
    setImmediate(() => this.#socket.destroy());
  }

  /** Sends GOAWAY: there is no further stream, and those that run go on. */
  #close(): void {
    if (this.#closing || this.#session.destroyed) return;
    this.#closing = true;
    this.#session.close();
  }

  /** Refuses a request before a handler runs. The connection goes on: its other streams are not affected. */
  #refuse(res: ServerResponse, { status, code, message }: Refusal): void {
    const { logger } = this.#context;
    logger.warn(refusalLine(clientAddress(this.#socket), status, code, message));
    const { headers, body } = plainResponse(status, message);
    res.writeHead(status, { ...headers, "content-length": body.length });
    res.end(res.req.method === "HEAD" ? "" : body);
  }
}

/** A response of node:http2 has a stream, which its type does not say. */
function streamOf(res: ServerResponse): ServerHttp2Stream {
  return (res as ServerResponse & { readonly stream: ServerHttp2Stream }).stream;
}
