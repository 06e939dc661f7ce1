/** Work that runs one piece after another, with a time limit for the wait. */
import { Deadlines } from "./deadlines.ts";

interface Waiting {
  readonly startedAt: number;
  readonly start: () => void;
  expire(): void;
}

export class SerialQueue {
  readonly #deadlines: Deadlines;
  readonly #expired: () => Error;
  readonly #waiting = new Set<Waiting>();
  #isBusy = false;

  /** @param expired makes the error for a piece that had to wait longer than `limitMs`. */
  constructor(limitMs: number, expired: () => Error) {
    this.#deadlines = new Deadlines(limitMs);
    this.#expired = expired;
  }

  /** Runs `work` when all work before it has settled; at once if there is none. */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#isBusy) await this.#turn();
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        startedAt: performance.now(),
        start: resolve,
        expire: () => {
          this.#waiting.delete(waiting);
          reject(this.#expired());
        },
      };
      this.#waiting.add(waiting);
      this.#deadlines.add(waiting);
    });
  }

  /** The queue stays busy while it passes from one piece to the next, so that no new caller overtakes. */
  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#isBusy = false;
      return;
    }
    this.#waiting.delete(next);
    this.#deadlines.delete(next);
    next.start();
  }
}
