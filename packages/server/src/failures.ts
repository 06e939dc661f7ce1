/** Which answer an error deserves. The same for every server. */
import { BodyError } from "@tsgi/gateway-spec/body";

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
