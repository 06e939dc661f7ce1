/** Which timeout a connection has exceeded, and what happens then. Pure: the connection measures, and acts. */
import { type Limits, LINGER_MS, MAX_LINGER_MS } from "../options.ts";

/** What a connection waits for. */
export type Waiting =
  /** Accepted, and nothing has been received. */
  | "first-request"
  /** A head has begun. */
  | "head"
  /** The handler reads content that has not been received. */
  | "content"
  /** The handler, or a client that reads a response: neither has a timeout here. */
  | "response"
  /** The next piece of a response to a client that has closed its sending side. */
  | "half-closed"
  /** The rest of the content of a request whose response is complete. */
  | "discarded-content"
  /** The next request. */
  | "next-request"
  /** The client, to close the connection after the last response. */
  | "close"
  /** The WebSocket that has taken the connection over. */
  | "websocket";

export interface Measured {
  readonly waiting: Waiting;
  /** Since the connection began to wait for it. */
  readonly waitingMs: number;
  /** Since the last byte of it. */
  readonly silentMs: number;
  /** Since the client took a byte of the output that waits for it; `null` where none waits. */
  readonly unreadMs: number | null;
  /** Whether so much output waits that nothing is parsed. */
  readonly blocked: boolean;
  /** For how long an idle connection stays open while the server shuts down; `null` where it does not. */
  readonly drainIdleMs: number | null;
}

export type TimeoutAction =
  | "none"
  /** The client has to read first: its own times start again. */
  | "restart"
  /** Reset: a plain end could make a truncated response look complete. */
  | "reset"
  /** Close without a response. */
  | "destroy"
  /** The same, and fail the exchange. */
  | "disconnect"
  /** Respond with 408, and close. */
  | "refuse-head"
  /** Fail the content that the handler reads. */
  | "fail-content"
  /** Close in order. */
  | "finish"
  | "close-websocket";

/** During a shutdown, how long a connection stays open that was accepted and has sent nothing: its request may be on its way. */
export const DRAIN_FIRST_REQUEST_MS = 5000;

/**
 * A client that closed its sending side may still read, but most are gone: a body that is silent for so long is not sent any more. A
 * body that is not silent finds out by itself, for the system of a client that is gone resets the connection.
 */
export const HALF_CLOSED_MS = 500;

export function exceededTimeout(measured: Measured, limits: Limits): TimeoutAction {
  const { waiting, waitingMs, silentMs, unreadMs, blocked, drainIdleMs } = measured;
  if (unreadMs !== null && waiting !== "websocket") {
    if (unreadMs >= limits.sendTimeoutMs) return "reset";
    if (blocked || waiting === "next-request" || waiting === "close") return "restart";
  }
  switch (waiting) {
    case "first-request": {
      const { headTimeoutMs } = limits;
      return waitingMs >= (drainIdleMs === null ? headTimeoutMs : Math.min(headTimeoutMs, DRAIN_FIRST_REQUEST_MS))
        ? "destroy"
        : "none";
    }
    case "head":
      return waitingMs >= limits.headTimeoutMs ? "refuse-head" : "none";
    case "content":
      return silentMs >= limits.bodyTimeoutMs ? "fail-content" : "none";
    case "half-closed":
      return unreadMs === null && silentMs >= HALF_CLOSED_MS ? "disconnect" : "none";
    case "discarded-content":
      return waitingMs >= limits.bodyTimeoutMs ? "finish" : "none";
    case "next-request":
      return waitingMs >= (drainIdleMs ?? limits.keepAliveTimeoutMs) ? "finish" : "none";
    case "close":
      return silentMs >= LINGER_MS || waitingMs >= MAX_LINGER_MS ? "destroy" : "none";
    case "websocket":
      return drainIdleMs !== null && waitingMs >= drainIdleMs ? "close-websocket" : "none";
    case "response":
    default:
      return "none";
  }
}
