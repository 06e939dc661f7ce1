/** The errors of an exchange as the draft has them ("protocol errors") and as the contract has them. */
import type { ExchangeError, ExchangeErrorCode } from "../../index.ts";
import { exchangeError, isExchangeError } from "../../server-kit/refusals.ts";

/** The codes of the draft that an exchange can fail with. */
export type ProtocolErrorCode =
  | "ERR_HTTP_CONNECTION_RESET"
  | "ERR_HTTP_REQUEST_CANCELLED"
  | "ERR_HTTP_STREAM_RESET"
  | "ERR_HTTP_CONTENT_TOO_LARGE"
  | "ERR_HTTP_TIMEOUT"
  | "ERR_HTTP_PROTOCOL_ERROR"
  | "ERR_HTTP_INTERNAL_ERROR"
  | "ERR_HTTP_GOAWAY"
  | "ERR_HTTP_REQUEST_BODY_REJECTED";

const TO_PROTOCOL: Readonly<Record<ExchangeErrorCode, ProtocolErrorCode>> = {
  CLIENT_DISCONNECTED: "ERR_HTTP_CONNECTION_RESET",
  REQUEST_BODY_TOO_LARGE: "ERR_HTTP_CONTENT_TOO_LARGE",
  REQUEST_BODY_TIMEOUT: "ERR_HTTP_TIMEOUT",
  REQUEST_BODY_MALFORMED: "ERR_HTTP_PROTOCOL_ERROR",
  REQUEST_BODY_DROPPED: "ERR_HTTP_REQUEST_BODY_REJECTED",
  RESPONSE_FAILED: "ERR_HTTP_INTERNAL_ERROR",
  RESPONSE_TIMEOUT: "ERR_HTTP_TIMEOUT",
  SERVER_CLOSED: "ERR_HTTP_GOAWAY",
};

/** Of a read of the request content, and of the exchange as a whole: the draft has one code for both timeouts. */
const TO_EXCHANGE: ReadonlyMap<unknown, readonly [content: ExchangeErrorCode, exchange: ExchangeErrorCode]> = new Map([
  ["ERR_HTTP_CONTENT_TOO_LARGE", ["REQUEST_BODY_TOO_LARGE", "REQUEST_BODY_TOO_LARGE"]],
  ["ERR_HTTP_TIMEOUT", ["REQUEST_BODY_TIMEOUT", "RESPONSE_TIMEOUT"]],
  ["ERR_HTTP_PROTOCOL_ERROR", ["REQUEST_BODY_MALFORMED", "CLIENT_DISCONNECTED"]],
  ["ERR_HTTP_INTERNAL_ERROR", ["CLIENT_DISCONNECTED", "RESPONSE_FAILED"]],
  ["ERR_HTTP_GOAWAY", ["SERVER_CLOSED", "SERVER_CLOSED"]],
  ["ERR_HTTP_REQUEST_BODY_REJECTED", ["REQUEST_BODY_DROPPED", "CLIENT_DISCONNECTED"]],
]);

/** An ExchangeError as the draft has it: a `TypeError` with `code`. Any other error is returned as it is. */
export function toProtocolError(error: unknown): unknown {
  if (!isExchangeError(error)) return error;
  return Object.assign(new TypeError(error.message, { cause: error }), { code: TO_PROTOCOL[error.code] });
}

/**
 * An error of a host of the draft as an ExchangeError. What has no code of its own is a client that is gone.
 * @param place where it was thrown.
 */
export function toExchangeError(error: unknown, place: "content" | "exchange"): ExchangeError {
  const cause = error instanceof Error ? error.cause : undefined;
  if (isExchangeError(cause)) return cause;
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  const codes = TO_EXCHANGE.get(code) ?? ["CLIENT_DISCONNECTED", "CLIENT_DISCONNECTED"];
  const message = error instanceof Error ? error.message : "The exchange failed";
  return exchangeError(codes[place === "content" ? 0 : 1], message, error);
}
