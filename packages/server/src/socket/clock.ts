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
