/**
 * Runs an application of the form `application(scope, receive, send)`, by the ASGI 3 text, on any TSGI server.
 *
 * @module @tsgi/gateway-spec/asgi
 */
import type { Application } from "../../index.ts";
import { runHttp } from "./http.ts";
import { type Lifespan, startLifespan } from "./lifespan.ts";
import type { AsgiApplication } from "./types.ts";
import { runWebSocket } from "./websocket.ts";

export type { Lifespan } from "./lifespan.ts";
export type {
  AsgiApplication,
  Bytes,
  HttpScope,
  LifespanScope,
  Receive,
  ReceiveEvent,
  Scope,
  Send,
  SendEvent,
  SentHeaders,
  WebSocketScope,
} from "./types.ts";

/**
 * Runs an ASGI application with its http, websocket and lifespan scopes.
 *
 * ```ts
 * import { asgi } from "@tsgi/gateway-spec/asgi";
 *
 * export const application = asgi(async (scope, _receive, send) => {
 *   if (scope.type !== "http") throw new Error("http only");
 *   await send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] });
 *   await send({ type: "http.response.body", body: `You asked for ${scope.path}\n` });
 * });
 * ```
 *
 * `send` of a body or a message fulfils when the client has taken it, and rejects with `CLIENT_DISCONNECTED` after the client has
 * disconnected, and for further content of a response that has none, such as one to HEAD. A WebSocket client is not read while 16
 * messages or 64 KiB wait for `receive`. Extensions: `http.response.trailers`, `http.response.early_hint` if the server can send
 * informational responses, and `websocket.http.response`. There is no adapter from TSGI to ASGI, because JavaScript has no ASGI server.
 */
export function asgi(application: AsgiApplication): Application<Lifespan> {
  return {
    startup: () => startLifespan(application),
    fetch: (request, exchange) => {
      const state = { ...exchange.state.state };
      const run = exchange.upgradeWebSocket === undefined ? runHttp : runWebSocket;
      return run(application, request, exchange, state);
    },
    shutdown: (life) => life.end(),
  };
}
