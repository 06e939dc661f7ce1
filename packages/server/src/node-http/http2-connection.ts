/** A client connection of HTTP/2. Node's sessions and nghttp2 do the protocol; the rules, the limits and the silence are ours. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { exchangeError, plainResponse } from "@tsgi/gateway-spec/server-kit";
import { handleExchange, NodeExchange } from "@tsgi/gateway-spec/node";
import { refusalLine } from "../failures.ts";
import { RequestError } from "../http1/index.ts";
import { serverClosed } from "../lifecycle.ts";
import { LINGER_MS } from "../options.ts";
import type { ConnectionContext } from "./http1-connection.ts";
import type { Refusal } from "./request-head.ts";

/** RFC 9113 §7. */
const REFUSED_STREAM = 7;

/** One of ours is on TLS, also when its socket is gone. */
class SecureExchange extends NodeExchange {
  override get encrypted(): boolean {
    return true;
  }
}

export class Http2Connection {
  readonly #context: ConnectionContext;
  readonly #session: ServerHttp2Session;
  readonly #exchanges = new Set<NodeExchange>();
  #requests = 0;
  #closing = false;
  /** When a byte last came or went, or nobody waited for one. */
  #since: number;
  #progress = 0;

  constructor(context: ConnectionContext, session: ServerHttp2Session) {
    this.#context = context;
    this.#session = session;
    this.#since = context.now;
  }

  /** @param awaitsContinue node left `Expect: 100-continue` to us. */
  request(req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean): void {
    const { limits, heads, host, handler } = this.#context;
    if (this.#closing) {
      // Beyond the stream that our GOAWAY names, which is on its way: so that the client may send the request again.
      streamOf(res).close(REFUSED_STREAM);
      return;
    }
    this.#requests++;
    if (this.#requests >= limits.maxRequestsPerConnection || host.draining.aborted) this.#close();
    try {
      if (heads.check(req) > limits.maxBodyBytes) {
        const message = `The request content is longer than ${limits.maxBodyBytes} bytes`;
        this.#refuse(req, res, { status: 413, code: "REQUEST_BODY_TOO_LARGE", message });
        return;
      }
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#refuse(req, res, error);
      return;
    }
    const exchange = new SecureExchange(req, res, host, awaitsContinue);
    this.#exchanges.add(exchange);
    res.once("close", () => {
      this.#exchanges.delete(exchange);
    });
    handleExchange(exchange, handler);
  }

  closed(): void {
    for (const exchange of this.#exchanges) {
      exchange.fail(exchangeError("CLIENT_DISCONNECTED", "The client closed the connection"));
    }
  }

  /** Looks for a peer that has been silent too long. The peer is the connection: its streams are not silent one by one. */
  sweep(now: number): void {
    const { limits, host } = this.#context;
    const session = this.#session;
    if (session.destroyed) return;
    const { bytesRead, bytesWritten, writableLength } = session.socket;
    const waiting = Array.from(this.#exchanges).filter(({ waitingFor }) => waitingFor !== null);
    const taken = bytesWritten - writableLength;
    // Readers do not read by sending, but one connection may be waited for in both ways.
    const progress = waiting.every(({ waitingFor }) => waitingFor === "reader") ? taken : taken + bytesRead;
    const idle = this.#exchanges.size === 0;
    if (progress !== this.#progress || (waiting.length === 0 && !idle)) {
      this.#progress = progress;
      this.#since = now;
      if (!this.#closing) return;
    }
    const silence = now - this.#since;
    for (const exchange of waiting) {
      if (exchange.waitingFor === "reader") {
        if (silence > limits.sendTimeoutMs) {
          exchange.fail(exchangeError("RESPONSE_TIMEOUT", "The client did not take the response"));
        }
      } else if (silence > limits.bodyTimeoutMs) {
        exchange.contentFailed(exchangeError("REQUEST_BODY_TIMEOUT", "The request content did not come in time"));
      }
    }
    if (idle && silence > (host.draining.aborted ? limits.drainIdleMs : limits.keepAliveTimeoutMs)) this.#close();
    if (idle && this.#closing && silence > LINGER_MS) session.destroy();
  }

  /**
   * The server shuts down: the streams that run are the last ones. An idle connection gets a moment for a request that is on its
   * way, as over HTTP/1.1. RFC 9113 §6.8 would have a GOAWAY for any stream first, but after it nghttp2 takes no stream, and node
   * reads no further.
   */
  drain(): void {
    this.#since = this.#context.now;
    if (this.#exchanges.size > 0) this.#close();
  }

  /** The server's patience is over. Settles when the connection is closed, and everyone has heard of it. */
  cut(): Promise<void> {
    for (const exchange of this.#exchanges) exchange.fail(serverClosed());
    return new Promise((resolve) => {
      this.#session.once("close", resolve);
      this.#session.destroy();
    });
  }

  /** GOAWAY: no further stream; those that run end by themselves. */
  #close(): void {
    if (this.#closing || this.#session.destroyed) return;
    this.#closing = true;
    this.#session.close();
  }

  /** Answers a request that no handler will see. The others of the connection are good still. */
  #refuse({ socket }: IncomingMessage, res: ServerResponse, { status, code, message }: Refusal): void {
    const { remoteAddress: hostname, remotePort: port } = socket;
    const client =
      hostname === undefined || port === undefined ? null : ({ transport: "tcp", hostname, port } as const);
    this.#context.host.logger.warn(refusalLine(client, status, code, message));
    const { headers, body } = plainResponse(status, message);
    res.writeHead(status, { ...headers, "content-length": body.length });
    res.end(res.req.method === "HEAD" ? "" : body);
  }
}

/** Node gives what its types do not know: a response of HTTP/2 has a stream. */
function streamOf(res: ServerResponse): ServerHttp2Stream {
  return (res as ServerResponse & { readonly stream: ServerHttp2Stream }).stream;
}
