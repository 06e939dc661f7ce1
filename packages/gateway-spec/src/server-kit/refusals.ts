/** Why an exchange fails, and the responses that a server sends in place of an application's. */
import type { BodyError } from "../body.ts";
import type { ExchangeError, ExchangeErrorCode, OutgoingResponse } from "../index.ts";

/**
 * An {@link ExchangeError} of the given code.
 * @param cause what led to it, for the log; a client never sees it.
 */
export function exchangeError(code: ExchangeErrorCode, message: string, cause?: unknown): ExchangeError {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), {
    name: "ExchangeError",
    code,
  });
}

/** For a client that closed the connection, or whose connection failed. */
export function clientDisconnected(cause?: unknown): ExchangeError {
  return exchangeError("CLIENT_DISCONNECTED", "The client closed the connection", cause);
}

/** For an exchange that the end of a shutdown terminates. */
export function serverClosed(): ExchangeError {
  return exchangeError("SERVER_CLOSED", "The server is shutting down");
}

/** For request content beyond the limit of the server, in bytes. */
export function contentTooLarge(limitBytes: number): ExchangeError {
  return exchangeError("REQUEST_BODY_TOO_LARGE", `The request content is longer than ${limitBytes} bytes`);
}

/** For request content that did not arrive in time. */
export function contentTimeout(): ExchangeError {
  return exchangeError("REQUEST_BODY_TIMEOUT", "The request content did not arrive in time");
}

/** For request content whose framing is invalid. */
export function contentMalformed(message = "The request content is malformed", cause?: unknown): ExchangeError {
  return exchangeError("REQUEST_BODY_MALFORMED", message, cause);
}

/** For a reader that goes on after the response is complete. */
export function contentDropped(): ExchangeError {
  return exchangeError("REQUEST_BODY_DROPPED", "The response was complete before the request content was read");
}

/** For a client that stops reading. */
export function responseTimeout(): ExchangeError {
  return exchangeError("RESPONSE_TIMEOUT", "The client did not read the response in time");
}

/**
 * The failure of an exchange whose handler, response or body threw `error`. A failure of the request content that the handler let
 * pass is the failure itself.
 */
export function responseFailed(error: unknown): ExchangeError {
  if (isExchangeError(error) && refusalStatus(error) !== 500) return error;
  return exchangeError("RESPONSE_FAILED", "The application gave no response that could be sent in full", error);
}

export function isExchangeError(error: unknown): error is ExchangeError {
  return error instanceof Error && error.name === "ExchangeError" && "code" in error;
}

const CONTENT_STATUS: ReadonlyMap<unknown, number> = new Map([
  ["REQUEST_BODY_TOO_LARGE", 413],
  ["REQUEST_BODY_TIMEOUT", 408],
  ["REQUEST_BODY_MALFORMED", 400],
]);

/**
 * 500 for whatever a handler threw, except for two errors that it may let pass: the `BodyError` of a body reader and the failure of
 * the request content itself. Only their messages may reach the client: they hold nothing but constants and numbers.
 */
export function refusalStatus(error: unknown): number {
  if (isExchangeError(error)) return CONTENT_STATUS.get(error.code) ?? 500;
  // By name, for the package may be installed twice.
  if (!(error instanceof Error) || error.name !== "BodyError") return 500;
  const { status } = error as Partial<BodyError>;
  return status === 400 || status === 413 || status === 415 ? status : 500;
}

/** The response in place of a handler that threw. It discloses nothing of the error to the client (TSGI-38). */
export function failureResponse(error: unknown): PlainResponse {
  const status = refusalStatus(error);
  return plainResponse(status, status === 500 ? "Internal Server Error" : (error as Error).message);
}

/** A response that is one line of text. */
export interface PlainResponse extends OutgoingResponse {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A response of one line as `text/plain`. The message must be fit for a client. */
export function plainResponse(status: number, message: string): PlainResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: `${message}\n` };
}
