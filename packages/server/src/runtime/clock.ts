/** Time as the servers see it: coarse, and moved by hand in tests. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `tick` at each interval. Returns a function that stops it. */
  every(intervalMs: number, tick: () => void): () => void;
}

/** The longest time of node's timers, 24 days. They fire at once for a longer one, such as `Infinity`. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  every: (intervalMs, tick) => {
    const timer = setInterval(tick, Math.min(intervalMs, MAX_TIMER_MS));
    return () => {
      clearInterval(timer);
    };
  },
};

/**
 * Calls `sweep` at each interval with the time since this call: a number that starts small, which the engine keeps and compares as an
 * integer. Between two sweeps it counts one interval at most, however late the second one is: a handler that blocks the event loop
 * does not use up the time of clients, from which nothing could be received meanwhile (TSGI-42). So what was noted as of one sweep
 * happened at most one interval later.
 */
export function everySweep(clock: Clock, intervalMs: number, sweep: (now: number) => void): () => void {
  let seen = clock.now();
  let now = 0;
  return clock.every(intervalMs, () => {
    const time = clock.now();
    now += Math.min(Math.max(time - seen, 0), intervalMs);
    seen = time;
    sweep(now);
  });
}

export interface Deadline {
  readonly over: Promise<void>;
  readonly cancel: () => void;
}

/** A promise that fulfils after a time, unless it is cancelled. */
export function deadline(clock: Clock, timeoutMs: number): Deadline {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.every(timeoutMs, () => {
    cancel();
    resolve();
  });
  return { over: promise, cancel };
}
