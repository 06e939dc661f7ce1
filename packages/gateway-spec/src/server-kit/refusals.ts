/** What went wrong, and which answer it deserves: the same for every server and adapter. */
import { BodyError } from "../body.ts";
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

const BODY_STATUS: ReadonlyMap<unknown, number> = new Map([
  ["REQUEST_BODY_TOO_LARGE", 413],
  ["REQUEST_BODY_TIMEOUT", 408],
  ["REQUEST_BODY_MALFORMED", 400],
]);

/**
 * 500 for whatever a handler threw, but for two that it may let pass: a body reader's {@link BodyError} and the failure of the
 * request body itself. Only their messages may reach the client: they hold nothing but constants and numbers.
 */
export function refusalStatus(error: unknown): number {
  if (error instanceof BodyError) return error.status;
  if (!(error instanceof Error) || error.name !== "ExchangeError" || !("code" in error)) return 500;
  return BODY_STATUS.get(error.code) ?? 500;
}

/** The answer in place of a handler that threw. It tells the client nothing that it did not send (TSGI-38). */
export function failureResponse(error: unknown): PlainResponse {
  const status = refusalStatus(error);
  return plainResponse(status, status === 500 ? "Internal Server Error" : (error as Error).message);
}

/** A response that is one line of text. */
export interface PlainResponse extends OutgoingResponse {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function plainResponse(status: number, message: string): PlainResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: `${message}\n` };
}
