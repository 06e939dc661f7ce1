/** Time, as the socket server sees it: coarse, and moved by hand in tests. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `tick` again and again. Returns a function that stops it. */
  every(intervalMs: number, tick: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  every: (intervalMs, tick) => {
    const timer = setInterval(tick, intervalMs);
    return () => {
      clearInterval(timer);
    };
  },
};

/**
 * Calls `sweep` again and again, with the time since this call: a number that starts small, which the engine keeps and compares as
 * an integer. It counts at most two intervals between two sweeps. When a handler has kept the loop busy for longer, nobody was
 * heard in the meantime, and what was not heard is no silence (TSGI-42).
 */
export function everySweep(clock: Clock, intervalMs: number, sweep: (now: number) => void): () => void {
  let seen = clock.now();
  let now = 0;
  return clock.every(intervalMs, () => {
    const time = clock.now();
    now += Math.min(Math.max(time - seen, 0), 2 * intervalMs);
    seen = time;
    sweep(now);
  });
}
