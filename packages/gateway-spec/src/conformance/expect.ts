/** What cases expect, and how long they wait for it. */
import { inspect, isDeepStrictEqual } from "node:util";

/** The server did not do what a case expects. */
export class ConformanceError extends Error {
  override readonly name = "ConformanceError";
  readonly code = "CONFORMANCE_FAILED";
}

/** @throws ConformanceError if the two are not deeply equal. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new ConformanceError(`${what}: expected ${show(expected)}, saw ${show(actual)}`);
  }
}

/** @throws ConformanceError if the condition is false. */
export function check(condition: boolean, what: string, ...seen: readonly unknown[]): asserts condition {
  if (!condition) throw new ConformanceError(seen.length === 0 ? what : `${what}, saw ${seen.map(show).join(", ")}`);
}

/** How long a wait takes before it is reported, in milliseconds. */
const LONG_WAIT_MS = 1000;

/** Waits are measured in steps of so many milliseconds. */
const STEP_MS = 100;

/**
 * The waits of one case: each has the deadline of the case. A step of the time that is late counts as one step: time in which the
 * event loop was blocked, or this process had no processor, is not the server's.
 */
export class Waits {
  readonly deadlineMs: number;
  readonly #onLongWait: ((what: string) => void) | undefined;

  /** @param onLongWait called once a second has passed, with what is awaited. */
  constructor(deadlineMs: number, onLongWait?: (what: string) => void) {
    this.deadlineMs = deadlineMs;
    this.#onLongWait = onLongWait;
  }

  /** The same deadline without reports. */
  get silent(): Waits {
    return new Waits(this.deadlineMs);
  }

  /** The promise's outcome. @throws ConformanceError after the deadline. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    let waitedMs = 0;
    const timer = setInterval(() => {
      waitedMs += STEP_MS;
      if (waitedMs === LONG_WAIT_MS) this.#onLongWait?.(what);
      if (waitedMs >= this.deadlineMs) reject(new ConformanceError(`waited ${this.deadlineMs} ms for ${what}`));
    }, STEP_MS);
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearInterval(timer);
    }
  }
}

/** Adds the bytes that the client sent to the message of a failure. */
export async function afterSending<T>(bytes: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ConformanceError)) throw error;
    throw new ConformanceError(`${error.message}\nThe client had sent: ${JSON.stringify(bytes)}`, { cause: error });
  }
}

export function show(value: unknown): string {
  const text = inspect(value, { depth: 4, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200 });
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
