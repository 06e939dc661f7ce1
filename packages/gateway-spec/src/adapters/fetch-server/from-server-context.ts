/** `fromServerContext`: a handler object of the Fetch Server API draft as a TSGI application. */
import type { Application, Exchange, IncomingRequest, Logger, OutgoingResponse } from "../../index.ts";
import { describe } from "../../server-kit/handler-result.ts";
import { guardLogger, STDERR_LOGGER } from "../../server-kit/log.ts";
import { plainResponse } from "../../server-kit/refusals.ts";
import { isForbiddenMethod } from "../fetch/web-request.ts";
import { DraftConnectContext, DraftContext, DraftExchange } from "./context.ts";
import { type HandlerObject, PROTOCOL_MARKER, PROTOCOL_VERSION } from "./types.ts";

/** The options of {@link fromServerContext}. */
export interface FromServerContextOptions {
  /** What a handler throws is logged here. Default: warnings and errors to the standard error stream. */
  readonly logger?: Logger;
}

/**
 * Runs a handler object of the draft on any TSGI server. `this` in its methods is the object. A shutdown calls its
 * `Symbol.asyncDispose`, where it has one.
 *
 * ```ts
 * import { fromServerContext } from "@tsgi/gateway-spec/fetch-server";
 *
 * export const application = fromServerContext({
 *   [Symbol.for("wintertc.server.protocol")]: 1,
 *   fetch: (ctx) => new Response(`You asked for ${ctx.request.url}\n`),
 * });
 * ```
 *
 * `connect` gets WebSocket handshakes; other protocols, CONNECT and TRACE get 501. `deny` sends 503. Where the draft has a member
 * that a server of ours does not support, it throws `NotSupportedError`: tunnels, and `100` from the application.
 * @throws TypeError for an object without the marker, or of another version of the draft.
 */
export function fromServerContext(
  handler: HandlerObject,
  { logger: given = STDERR_LOGGER }: FromServerContextOptions = {},
): Application {
  checkMarker(handler);
  const logger = guardLogger(given);
  return {
    fetch: (incoming, exchange) => {
      if (isForbiddenMethod(incoming.method)) return plainResponse(501, "Not Implemented");
      return respond(handler, incoming, exchange, logger);
    },
    shutdown: async () => {
      await handler[Symbol.asyncDispose]?.();
    },
  };
}

/** Whether a value is marked as a handler object of the draft, of whatever version. */
export function isHandlerObject(value: unknown): value is HandlerObject {
  return typeof value === "object" && value !== null && PROTOCOL_MARKER in value;
}

function checkMarker(handler: HandlerObject): void {
  const version: unknown = isHandlerObject(handler) ? handler[PROTOCOL_MARKER] : undefined;
  if (version === PROTOCOL_VERSION && typeof handler.fetch === "function") return;
  throw new TypeError(
    version === undefined
      ? "A handler object has the property [Symbol.for('wintertc.server.protocol')]: 1; for a plain handler use fromFetch"
      : version === PROTOCOL_VERSION
        ? "A handler object has a fetch method"
        : `Version ${describe(version)} of the Fetch Server API is unknown; this adapter knows version ${PROTOCOL_VERSION}`,
  );
}

function respond(
  handler: HandlerObject,
  incoming: IncomingRequest,
  exchange: Exchange,
  logger: Logger,
): Promise<OutgoingResponse> {
  const upgraded = Promise.withResolvers<OutgoingResponse>();
  const draft = new DraftExchange(incoming, exchange, upgraded.resolve);
  const handled = exchange.upgradeWebSocket !== undefined && handler.connect !== undefined ? connect() : fetch();
  return Promise.race([upgraded.promise, handled]);

  async function connect(): Promise<OutgoingResponse> {
    const context = new DraftConnectContext(draft);
    const response = await call(context, 502, () => handler.connect?.(context));
    if (!context.fellThrough || response !== null) return response ?? NOTHING;
    return fetch();
  }

  async function fetch(): Promise<OutgoingResponse> {
    const context = new DraftContext(draft);
    return (await call(context, 500, () => handler.fetch(context))) ?? NOTHING;
  }

  /** The response to send; `null` where there is none: the exchange was upgraded, left to `fetch`, or its client is gone. */
  async function call(
    context: DraftContext,
    fallback: 500 | 502,
    run: () => Response | undefined | Promise<Response | undefined>,
  ): Promise<OutgoingResponse | null> {
    const fellThrough = () => context instanceof DraftConnectContext && context.fellThrough;
    try {
      const result: unknown = await run();
      if (draft.state === "denied") return denied(result);
      if (draft.socket !== null && result === undefined) return null;
      if (result instanceof Response && !fellThrough()) {
        draft.state = "committed";
        return result;
      }
      if (result === undefined && (draft.aborted || fellThrough())) return null;
      throw new TypeError(`The handler of ${exchange.target} returned ${describe(result)}, not a Response`);
    } catch (error) {
      return failed(context, fallback, error);
    }
  }

  async function failed(context: DraftContext, fallback: 500 | 502, error: unknown): Promise<OutgoingResponse | null> {
    logger.error(`${incoming.method} ${exchange.target} failed`, error);
    // The socket is open: RFC 6455 §7.4.1, "an unexpected condition".
    draft.socket?.close(1011);
    if (draft.socket !== null || draft.aborted) return null;
    if (draft.state === "denied") return denied(undefined);
    try {
      const result: unknown = await handler.error?.(context, error);
      if (isDenied()) return denied(result);
      if (result instanceof Response) {
        draft.state = "committed";
        return result;
      }
      if (result !== undefined) logger.error(`error() returned ${describe(result)}, not a Response`);
    } catch (second) {
      logger.error("error() of the handler object failed", second);
    }
    draft.state = "committed";
    return plainResponse(fallback, fallback === 500 ? "Internal Server Error" : "Bad Gateway");
  }

  /** It may change while something is awaited, which the type of the field does not show. */
  function isDenied(): boolean {
    return draft.state === "denied";
  }

  /** The draft leaves it to HTTP/1.1 to send 503; the contract has no reset for HTTP/2. */
  function denied(result: unknown): OutgoingResponse {
    if (result !== undefined) logger.error(`A handler that has denied a request returned ${describe(result)}`);
    return plainResponse(503, "Service Unavailable");
  }
}

/** For a client that is gone, and an exchange that has its response: it is not sent. */
const NOTHING: OutgoingResponse = Object.freeze({ status: 503 });
