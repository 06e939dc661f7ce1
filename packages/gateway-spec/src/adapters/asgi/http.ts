/** The http scope: the request as events, and the response from events. */
import type { Exchange, IncomingRequest, OutgoingResponse } from "../../index.ts";
import { AsgiResponse } from "./response.ts";
import { toFields, toHttpScope } from "./scope.ts";
import { type AsgiApplication, outOfOrder, type Receive, type Send } from "./types.ts";

export function runHttp(
  application: AsgiApplication,
  request: IncomingRequest,
  exchange: Exchange,
  state: Record<string, unknown>,
): Promise<OutgoingResponse> {
  const response = new AsgiResponse();
  const { signal } = request;
  const disconnect = () => {
    response.disconnect();
  };
  signal.addEventListener("abort", disconnect, { once: true });

  const body = request.body?.[Symbol.asyncIterator]();
  let requestEnded = false;
  const receive: Receive = async () => {
    if (requestEnded || response.isOver) {
      await response.ended;
      return { type: "http.disconnect" };
    }
    try {
      const piece: IteratorResult<Uint8Array, unknown> = (await body?.next()) ?? { done: true, value: undefined };
      if (piece.done !== true) return { type: "http.request", body: piece.value, more_body: true };
      requestEnded = true;
      return { type: "http.request", body: new Uint8Array(0), more_body: false };
    } catch (error) {
      if (!isDisconnect(error)) throw error;
      requestEnded = true;
      response.disconnect();
      return { type: "http.disconnect" };
    }
  };

  const send: Send = async (event) => {
    if (response.isComplete) return;
    if (event.type === "http.response.start") response.start(event);
    else if (event.type === "http.response.body") await response.body(event);
    else if (event.type === "http.response.trailers") response.trailers(event);
    else if (event.type === "http.response.early_hint") {
      const links = toFields(Array.from(event.links, (link) => ["link", link] as const));
      exchange.sendInformational?.(103, links);
    } else throw outOfOrder(event.type, "in an http scope");
  };

  const running = (async () => {
    try {
      await application(toHttpScope(request, exchange, state), receive, send);
      response.finish();
    } catch (error) {
      // The error of an unfinished response fails the response. Later it is the error of background work, which is logged.
      if (response.isOver && !isDisconnect(error)) throw error;
      response.finish(error);
    } finally {
      signal.removeEventListener("abort", disconnect);
    }
  })();
  // The application may continue after its response is complete.
  exchange.waitUntil(running);
  return response.response;
}

function isDisconnect(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "CLIENT_DISCONNECTED";
}
