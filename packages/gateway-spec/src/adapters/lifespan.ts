/** An application's life where no server of ours leads it: started by its first request, ended by `close()`. */
import { exchangeError } from "../server-kit/refusals.ts";
import type { Application, Exchange, Handler, ServerInfo } from "../index.ts";

/** What an adapter that runs our applications on a foreign host gives to those who want to lead the application's life. */
export interface Hosted {
  /** Runs `startup`, once. The first request does so by itself. Rejects with what `startup` threw. */
  readonly start: () => Promise<void>;
  /** Fires `draining`, waits for `waitUntil`, runs `shutdown`; once. The host stops accepting and waits for its exchanges. */
  readonly close: () => Promise<void>;
}

export interface Lifespan extends Hosted {
  readonly handler: Handler;
  readonly draining: AbortSignal;
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** What `startup` returned, once {@link Lifespan.started}. */
  state: unknown;
  started: boolean;
}

export function createLifespan<State>(
  application: Application<State> | Handler,
  info: ServerInfo,
  onError: (message: string, error: unknown) => void,
): Lifespan {
  const app: Application<State> = typeof application === "function" ? { fetch: application } : application;
  const draining = new AbortController();
  const pending = new Set<Promise<unknown>>();
  let starting: Promise<void> | null = null;
  let closing: Promise<void> | null = null;
  const lifespan: Lifespan = {
    // Exchanges carry the state of this very application, which is all that Exchange<State> is beyond Exchange.
    handler: (request, exchange) => app.fetch(request, exchange as Exchange<State>),
    draining: draining.signal,
    waitUntil: (work) => {
      const settled: Promise<unknown> = work
        .catch((error: unknown) => {
          onError("Work given to waitUntil failed", error);
        })
        .finally(() => pending.delete(settled));
      pending.add(settled);
    },
    state: undefined,
    started: app.startup === undefined,
    start: () =>
      (starting ??= (async () => {
        lifespan.state = await app.startup?.(info);
        lifespan.started = true;
      })()),
    close: () =>
      (closing ??= (async () => {
        draining.abort(exchangeError("SERVER_CLOSED", "The server is shutting down"));
        // What failed to start has nothing to shut down; without a request it never started.
        await starting?.catch(() => undefined);
        while (pending.size > 0) await Promise.all(pending);
        if (lifespan.started) await app.shutdown?.(lifespan.state as State);
      })()),
  };
  return lifespan;
}
