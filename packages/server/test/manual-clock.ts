/** A clock that a test advances. */
import type { Clock } from "../src/runtime/clock.ts";

interface Timer {
  readonly intervalMs: number;
  readonly tick: () => void;
  due: number;
}

export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  every(intervalMs: number, tick: () => void): () => void {
    const timer = { intervalMs, tick, due: this.#now + intervalMs };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Advances the time, and fires what becomes due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ due }) => due <= end).toSorted((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.due);
      next.due += next.intervalMs;
      next.tick();
    }
    this.#now = end;
  }

  /** Time in which the event loop is blocked: what becomes due fires late and once, as with `setInterval`. */
  hold(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].filter(({ due }) => due <= this.#now)) {
      timer.due = this.#now + timer.intervalMs;
      timer.tick();
    }
  }
}
