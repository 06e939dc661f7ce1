/** The listeners of one process, by topic. */

interface Listener {
  readonly deliver: (message: string) => void;
  readonly onGap: (() => void) | undefined;
}

export class Listeners {
  readonly #topics = new Map<string, Set<Listener>>();

  /** @returns a function that ends the subscription. Each subscription is its own, also of a function that subscribes twice. */
  add(topic: string, deliver: (message: string) => void, onGap?: () => void): () => void {
    const listener: Listener = { deliver, onGap };
    const set = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.#topics.get(topic) === set) this.#topics.delete(topic);
    };
  }

  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** The topics that have listeners. */
  topics(): IterableIterator<string> {
    return this.#topics.keys();
  }

  deliver(topic: string, message: string): void {
    for (const { deliver } of this.#topics.get(topic) ?? []) {
      later(() => {
        deliver(message);
      });
    }
  }

  /** Messages of the topic may have been lost. */
  reportGap(topic: string): void {
    for (const { onGap } of this.#topics.get(topic) ?? []) if (onGap !== undefined) later(onGap);
  }
}

/** A listener that throws must not keep the message from the others. */
function later(call: () => void): void {
  queueMicrotask(call);
}
