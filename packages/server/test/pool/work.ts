/** Functions that the tests of the pool run in its threads. */
import { threadId } from "node:worker_threads";

export const notAFunction = 1;

export function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

export function whichThread(_input: null): number {
  return threadId;
}

export function fail(message: string): never {
  throw new RangeError(message);
}

export function spin(_input: null): never {
  for (;;) Math.sqrt(2);
}

/** Waits until the main thread has written into the memory that they share. */
export function waitFor(flag: Int32Array): string {
  Atomics.wait(flag, 0, 0);
  return "released";
}
