/** Event streams of handlers: JSON data, ids, and going on where a client that reconnects has stopped. */
import type { Exchange, IncomingRequest } from "@tsgi/gateway-spec";
import { eventStream, type ServerSentEvent } from "@tsgi/gateway-spec/events";
import { respond, type Reply } from "../results.ts";

/** One event of a stream, as WHATWG HTML §9.2 defines its fields. */
export interface StreamEvent<Data = unknown> {
  /** A string is sent as it is, anything else as JSON. Without data a browser dispatches nothing. */
  readonly data?: Data;
  /** The type of the event. Without it browsers dispatch `message`. */
  readonly event?: string;
  /** What a browser sends as `Last-Event-ID` when it reconnects. */
  readonly id?: string | number | bigint;
  /** How long a browser waits before it reconnects, in milliseconds. */
  readonly retryMs?: number;
}

/** How the stream is kept open. */
export interface EventsOptions {
  /** Sends a comment after this time without an event, in milliseconds. 0 disables it. Default 15,000. */
  readonly keepAliveMs?: number;
}

interface Streaming {
  readonly request: Pick<IncomingRequest, "headers" | "signal">;
  readonly exchange: Pick<Exchange, "draining">;
}

/**
 * A response that sends events until the source ends, the client leaves or the server shuts down. Browsers reconnect by
 * themselves, and the source gets the id of the last event that they saw:
 *
 *     app.get("/prices", (context) => events(context, (lastId) => prices.since(lastId)));
 *
 * @param source is called once. Its signal aborts when the client leaves.
 */
export function events(
  { request, exchange }: Streaming,
  source: (lastEventId: string | null, signal: AbortSignal) => AsyncIterable<StreamEvent>,
  options: EventsOptions = {},
): Reply {
  const lastEventId = request.headers.get("last-event-id");
  return respond(
    eventStream(toServerSent(source(lastEventId, request.signal)), { draining: exchange.draining, ...options }),
  );
}

async function* toServerSent(source: AsyncIterable<StreamEvent>): AsyncGenerator<ServerSentEvent, void, undefined> {
  for await (const { data, event, id, retryMs } of source) {
    yield {
      ...(data === undefined ? {} : { data: typeof data === "string" ? data : JSON.stringify(data) }),
      ...(event === undefined ? {} : { event }),
      ...(id === undefined ? {} : { id: String(id) }),
      ...(retryMs === undefined ? {} : { retryMs }),
    };
  }
}
