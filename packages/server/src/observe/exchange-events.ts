/**
 * Events of each exchange on `node:diagnostics_channel`, for tracing and metrics. All three carry the same {@link ExchangeEvent}
 * object, so that a subscriber can keep what it knows of an exchange in a WeakMap.
 *
 * | channel | published |
 * |---|---|
 * | `tsgi.exchange.start` | before the handler runs |
 * | `tsgi.exchange.response` | when the handler has given its response, before the response is sent |
 * | `tsgi.exchange.end` | when the response is complete, or the exchange has failed |
 *
 * The handler runs in the stores that are bound to `tsgi.exchange.start` (`channel.bindStore(asyncLocalStorage, …)`), so that a tracer
 * can enter its context. The framework adds `tsgi.exchange.route`, `{ exchange, route }`, when a route has taken the request.
 *
 * A request that the server refuses before a handler runs, such as a malformed one, has no events. Without a subscriber an exchange
 * costs three reads of `hasSubscribers`.
 */
import { channel } from "node:diagnostics_channel";
import type { Application, Exchange, Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { isPromiseLike, refusalStatus } from "@tsgi/gateway-spec/server-kit";

/** The message of all three channels. */
export interface ExchangeEvent {
  /** As the handler gets it: behind trusted proxies, that of the client. */
  readonly request: IncomingRequest;
  readonly exchange: Exchange;
  /** What the handler gave; `null` before it, and where the handler failed. */
  readonly response: OutgoingResponse | null;
  /** The status of the response, or of the one that the server sends for a failed handler; `null` before there is one. */
  readonly status: number | null;
  /** At the end: why the exchange failed, an ExchangeError; `null` after a complete response. */
  readonly error: unknown;
}

// A channel is collected with its subscribers where no code holds it.
const START = channel("tsgi.exchange.start");
const RESPONSE = channel("tsgi.exchange.response");
const END = channel("tsgi.exchange.end");

/** The same application, with events. What is no application is returned as it is. */
export function withExchangeEvents<State>(application: Application<State> | Handler): Application<State> | Handler {
  if (typeof application === "function") {
    return (request, exchange) =>
      isObserved() ? publish(application, request, exchange) : application(request, exchange);
  }
  if (typeof (application as Partial<Application<State>> | null)?.fetch !== "function") return application;
  const handler: Handler<Exchange<State>> = (request, exchange) => application.fetch(request, exchange);
  return {
    ...(application.startup !== undefined && { startup: (server) => application.startup?.(server) as State }),
    ...(application.shutdown !== undefined && { shutdown: (state) => application.shutdown?.(state) }),
    fetch: (request, exchange) => (isObserved() ? publish(handler, request, exchange) : handler(request, exchange)),
  };
}

function isObserved(): boolean {
  return START.hasSubscribers || RESPONSE.hasSubscribers || END.hasSubscribers;
}

function publish<E extends Exchange>(handler: Handler<E>, request: IncomingRequest, exchange: E): ReturnType<Handler> {
  const event: { -readonly [K in keyof ExchangeEvent]: ExchangeEvent[K] } = {
    request,
    exchange,
    response: null,
    status: null,
    error: null,
  };
  const responded = (response: OutgoingResponse): OutgoingResponse => {
    event.response = response;
    // A handler in JavaScript may give anything; the server refuses it.
    event.status = (response as OutgoingResponse | null | undefined)?.status ?? null;
    RESPONSE.publish(event);
    return response;
  };
  const failed = (error: unknown): never => {
    event.status = refusalStatus(error);
    throw error;
  };
  const ended = (error: unknown) => {
    event.error = error;
    END.publish(event);
  };
  exchange.completed.then(() => {
    // A response in place of the handler's was sent: the exchange has failed all the same (TSGI-30).
    const { signal } = request;
    ended(signal.aborted ? signal.reason : null);
    return undefined;
  }, ended);
  try {
    const response = START.runStores(event, () => handler(request, exchange));
    return isPromiseLike(response) ? response.then(responded, failed) : responded(response);
  } catch (error) {
    return failed(error);
  }
}
