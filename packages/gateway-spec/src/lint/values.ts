/** Tests of values whose types a caller may violate. */
import type { ExchangeErrorCode } from "../index.ts";

const CODES: Readonly<Record<ExchangeErrorCode, true>> = {
  CLIENT_DISCONNECTED: true,
  REQUEST_BODY_TOO_LARGE: true,
  REQUEST_BODY_TIMEOUT: true,
  REQUEST_BODY_MALFORMED: true,
  REQUEST_BODY_DROPPED: true,
  RESPONSE_FAILED: true,
  RESPONSE_TIMEOUT: true,
  SERVER_CLOSED: true,
};

/** The codes of this version of SPEC.md. */
export const exchangeErrorCodes: readonly string[] = Object.keys(CODES);

export function isExchangeError(value: unknown): boolean {
  const code = value instanceof Error ? member(value, "code") : undefined;
  return typeof code === "string" && exchangeErrorCodes.includes(code);
}

/** A member of unknown type. */
export function member(value: object, name: PropertyKey): unknown {
  return Reflect.get(value, name);
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** By shape, because a signal may be of another realm. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    isObject(value) &&
    typeof member(value, "aborted") === "boolean" &&
    typeof member(value, "addEventListener") === "function"
  );
}

/** Calls `listener` when the signal aborts, or at once if it has aborted. */
export function whenAborted(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
}
