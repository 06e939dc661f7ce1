/** What cases expect, and the failure of one. */
import { inspect, isDeepStrictEqual } from "node:util";

/** A server did not do what a case expects. */
export class ConformanceError extends Error {
  override readonly name = "ConformanceError";
  readonly code = "CONFORMANCE_FAILED";
}

/** @throws ConformanceError where the two are not deeply equal. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new ConformanceError(`${what}: expected ${show(expected)}, saw ${show(actual)}`);
  }
}

/** @throws ConformanceError where the condition does not hold. */
export function check(condition: boolean, what: string, ...seen: readonly unknown[]): asserts condition {
  if (!condition) throw new ConformanceError(seen.length === 0 ? what : `${what}, saw ${seen.map(show).join(", ")}`);
}

/** The promise's outcome, or a failure when it takes longer than `deadlineMs`. */
export async function within<T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new ConformanceError(`waited ${deadlineMs} ms for ${what}`));
  }, deadlineMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function show(value: unknown): string {
  const text = inspect(value, { depth: 4, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200 });
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
