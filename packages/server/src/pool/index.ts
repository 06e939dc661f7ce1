/**
 * Heavy work behind the event loop: exported functions of a module run in threads, and the loop goes on serving.
 *
 * @module @tsgi/server/pool
 */
import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import type { Task } from "./thread.ts";

/** How many threads a pool has, and how many calls wait for one. */
export interface PoolOptions {
  /** Threads, which start with the first call. Default: one less than there are CPUs, and at least one. */
  readonly threads?: number;
  /** Calls that wait while all threads work; a further one fails with a {@link PoolFullError}. Default 100. */
  readonly maxQueue?: number;
}

/** What one call may have. */
export interface PoolRunOptions {
  /** `request.signal`, so that work stops whose client is gone: a call that waits is dropped, one that runs ends with its thread. */
  readonly signal?: AbortSignal;
}

/** All threads work, and as many calls wait as may. The response is 503 by the framework; elsewhere the handler catches it. */
export class PoolFullError extends Error {
  override readonly name = "PoolFullError";
  readonly code = "POOL_FULL";
  readonly status = 503;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the parameter of a function of any type: unknown would refuse all others
type TaskFunction = (input: any) => unknown;

/** The names of the functions that a module exports. */
export type FunctionName<Module> = {
  [Name in keyof Module]: Module[Name] extends TaskFunction ? Name : never;
}[keyof Module] &
  string;

/** Threads that run the functions of one module. */
export interface Pool<Module> extends AsyncDisposable {
  /**
   * Calls an exported function in a thread. Input and result are copied (structured clone).
   * @throws PoolFullError; an `AbortError` for an aborted signal; or what the function throws, as a copy without its class.
   */
  run<Name extends FunctionName<Module>>(
    name: Name,
    input: Module[Name] extends TaskFunction ? Parameters<Module[Name]>[0] : never,
    options?: PoolRunOptions,
  ): Promise<Module[Name] extends TaskFunction ? Awaited<ReturnType<Module[Name]>> : never>;
  /** Resolves when all calls have ended and the threads too. Call it in the application's `shutdown`. */
  close(): Promise<void>;
}

/** The module of each thread, a source here and compiled in the package. */
const THREAD = new URL(`./thread${extname(import.meta.url)}`, import.meta.url);

/**
 * Makes a pool: `createPool<typeof import("./reports.ts")>(new URL("./reports.ts", import.meta.url))`.
 * @param module JavaScript or TypeScript; each thread imports it once.
 */
export function createPool<Module>(
  module: URL,
  { threads = Math.max(1, availableParallelism() - 1), maxQueue = 100 }: PoolOptions = {},
): Pool<Module> {
  const file = fileURLToPath(module);
  let piscina: Piscina<Task, unknown> | null = null;
  /** Running and waiting. Piscina's own limit has an error without a code. */
  let calls = 0;
  const open = () =>
    (piscina ??= new Piscina<Task, unknown>({
      filename: fileURLToPath(THREAD),
      minThreads: threads,
      maxThreads: threads,
    }));
  const close = async () => {
    await piscina?.close();
    piscina = null;
  };
  return {
    async run(name, input, { signal } = {}) {
      if (calls >= threads + maxQueue) {
        throw new PoolFullError(`the ${threads} threads of the pool work, and ${maxQueue} calls wait already`);
      }
      calls += 1;
      try {
        return (await open().run({ file, name, input }, signal === undefined ? {} : { signal })) as never;
      } finally {
        calls -= 1;
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
