/** An application's life on a server: start-up, the work it leaves behind, draining and shutdown. The same for every server. */
import type { Application, ExchangeError, Handler, Logger, ServerInfo } from "@tsgi/gateway-spec";
import { exchangeError } from "@tsgi/gateway-spec/server-kit";

/** The contract's version that our servers keep. */
export const SPEC_VERSION = "1.0";

/** Warnings and errors go to the standard error stream; information is for those who ask for it. */
export const STDERR_LOGGER: Logger = {
  info: () => undefined,
  warn: (message) => {
    console.warn(message);
  },
  error: (message, error) => {
    if (error === undefined) console.error(message);
    else console.error(message, error);
  },
};

/** A started application. */
export interface Life {
  readonly handler: Handler;
  readonly state: unknown;
  readonly draining: AbortSignal;
  /** Keeps {@link Life.end} waiting for the work; its failure is logged. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** Fires `draining`, once. */
  readonly drain: () => void;
  /** Waits for the left-over work, no longer than until `deadline` settles, then shuts the application down. */
  readonly end: (deadline: Promise<unknown>) => Promise<void>;
}

/** Starts an application. Rejects with what its `startup` threw. */
export async function start<State>(
  application: Application<State> | Handler,
  info: ServerInfo,
  logger: Logger,
): Promise<Life> {
  const app: Application<State> = typeof application === "function" ? { fetch: application } : application;
  // Without a `startup` there is no state, and an application's State is then unknown or undefined.
  const state = (await app.startup?.(info)) as State;
  const draining = new AbortController();
  const pending = new Set<Promise<unknown>>();
  return {
    // The server's exchanges carry this very state, which is all that Handler<Exchange<State>> asks beyond Handler.
    handler: app.fetch as Handler,
    state,
    draining: draining.signal,
    waitUntil: (work) => {
      const settled: Promise<unknown> = work
        .catch((error: unknown) => {
          logger.error("Work given to waitUntil failed", error);
        })
        .finally(() => pending.delete(settled));
      pending.add(settled);
    },
    drain: () => {
      if (!draining.signal.aborted) draining.abort(serverClosed());
    },
    end: async (deadline) => {
      // Work may leave more work behind, so the set is looked at again until it is empty.
      const allDone = (async () => {
        while (pending.size > 0) await Promise.all(pending);
      })();
      await Promise.race([allDone, deadline]);
      if (pending.size > 0) logger.warn(`Shut down with ${pending.size} pieces of waitUntil work unfinished`);
      await app.shutdown?.(state);
    },
  };
}

export function serverClosed(): ExchangeError {
  return exchangeError("SERVER_CLOSED", "The server is shutting down");
}
