/** Time limits for many operations on one timer. */

/** An operation with a time limit. */
export interface Timed {
  /** By `performance.now()`. */
  readonly startedAt: number;
  /** Called once if the operation exceeds the limit. */
  expire(): void;
}

/** Rejects when `work` takes longer, with the error that `expire` makes. */
export async function within<T>(work: Promise<T>, timeoutMs: number, expire: () => Error): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(expire()), timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** One limit for all operations, so they expire in the order in which they were added. */
export class Deadlines {
  readonly limitMs: number;
  readonly #running = new Set<Timed>();
  #isTimerSet = false;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  add(operation: Timed): void {
    this.#running.add(operation);
    // A timer that is set remains set when operations end, so most operations set none.
    if (!this.#isTimerSet) this.#setTimer(this.limitMs);
  }

  delete(operation: Timed): void {
    this.#running.delete(operation);
  }

  /** The timer does not keep the process alive: the connection of an operation does. */
  #setTimer(delayMs: number): void {
    this.#isTimerSet = true;
    setTimeout(this.#check, delayMs).unref();
  }

  readonly #check = (): void => {
    this.#isTimerSet = false;
    const now = performance.now();
    for (const operation of this.#running) {
      const restMs = operation.startedAt + this.limitMs - now;
      if (restMs > 0) {
        this.#setTimer(restMs);
        return;
      }
      this.#running.delete(operation);
      operation.expire();
    }
  };
}
