/** One exchange on a server: runs the handler, sends its response, and a failure response in place of one that fails early. */
import type { Address, Exchange, IncomingRequest, OutgoingResponse, TlsInfo } from "../index.ts";
import { ExchangeState } from "./exchange-state.ts";
import { isPromiseLike, isResponse, notResponse } from "./handler-result.ts";
import type { HandlerScope } from "./handler-scope.ts";
import type { Lifespan } from "./lifespan.ts";
import { logHandlerError } from "./log.ts";
import { failureResponse, responseFailed, type PlainResponse } from "./refusals.ts";
import { cancelResponse } from "./response-body.ts";

/**
 * The base class of the exchanges of a server. It has what does not depend on the transport. A subclass says how a response is sent,
 * and calls `succeed` when one was, `fail` when the client is gone, and `handlerFailed` when a body fails.
 */
export abstract class ServerExchange extends ExchangeState implements Exchange {
  abstract readonly request: IncomingRequest;
  abstract readonly target: string;
  abstract readonly protocol: Exchange["protocol"];
  abstract readonly encrypted: boolean;
  abstract readonly peerAddress: Address | null;
  abstract readonly localAddress: Address | null;
  abstract readonly tls: TlsInfo | null;
  protected abstract readonly lifespan: Lifespan;

  /** The peer: no proxy is trusted by default. */
  get remoteAddress(): Address | null {
    return this.peerAddress;
  }

  get state(): unknown {
    return this.lifespan.state;
  }

  get draining(): AbortSignal {
    return this.lifespan.draining;
  }

  /** It may be called without its object. */
  get waitUntil(): (work: Promise<unknown>) => void {
    return this.lifespan.waitUntil;
  }

  /** Whether the head of the final response has left: a failure can only terminate the connection then. */
  protected abstract get headSent(): boolean;

  /**
   * Starts to send the response of the handler.
   * @throws before anything is sent, for a response that may not be sent; the body is released then by the caller, unless it was
   * opened and is {@link ExchangeState.responseBody}.
   */
  protected abstract send(response: OutgoingResponse): void;

  /** Sends a response of the server in place of the handler's. The exchange has failed already; `completed` waits for `succeed`. */
  protected abstract sendFailure(response: PlainResponse): void;

  /** Ends the connection, or the stream of HTTP/2, so that the client sees a truncated response. */
  protected abstract terminate(): void;

  /**
   * Runs the handler and sends its response. It never throws. A handler that returns no promise is run and its response sent before
   * this returns.
   * @param scope what the handler enters with AsyncLocalStorage stays in it, and reaches the body of its response.
   */
  run(scope: HandlerScope | null): void {
    if (scope === null) runHandler(this, this.lifespan);
    else scope.run(runHandler, this, this.lifespan);
  }

  /** Sends what the handler gave, unless the exchange has failed already. */
  respond(response: unknown): void {
    if (!this.running) {
      this.respondedLate(response);
      return;
    }
    try {
      if (!isResponse(response)) throw notResponse(response, this.request.method, this.target);
      this.send(response);
    } catch (error) {
      const opened = this.responseBody !== null;
      this.handlerFailed(error);
      if (!opened) cancelResponse(response, error);
    }
  }

  /** The handler gave a response after the exchange had failed. */
  protected respondedLate(response: unknown): void {
    cancelResponse(response, this.failure);
  }

  /** The handler, its response or its body failed. Where the client is gone already, this does nothing. */
  handlerFailed(error: unknown): void {
    if (!this.running) return;
    const { headSent } = this;
    logHandlerError(this.lifespan.logger, this.request, this.target, error, headSent);
    if (headSent) {
      this.fail(responseFailed(error));
      this.terminate();
    } else {
      this.replace(responseFailed(error));
      this.sendFailure(failureResponse(error));
    }
  }
}

function runHandler(exchange: ServerExchange, { handler }: Lifespan): void {
  let response: unknown;
  let pending: Promise<unknown> | null;
  try {
    response = handler(exchange.request, exchange);
    // A `then` that throws when it is read fails the handler, and a thenable that settles twice is settled once.
    pending = isPromiseLike(response) ? Promise.resolve(response) : null;
  } catch (error) {
    exchange.handlerFailed(error);
    return;
  }
  if (pending === null) {
    exchange.respond(response);
    return;
  }
  pending.then(
    (settled) => exchange.respond(settled),
    (error: unknown) => exchange.handlerFailed(error),
  );
}
