import type { ExchangeError, ExchangeErrorCode } from "./index.ts";

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
