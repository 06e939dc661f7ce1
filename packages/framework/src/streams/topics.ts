/**
 * Messages to every listener of a topic. Within one process they go straight through; between processes and machines they go
 * through an adapter of the same two methods. A message is a hint that something has changed and may be lost: the truth is in the
 * database, and a client that reconnects reads from there what it has missed.
 */

/** What an adapter implements. */
export interface Topics {
  /** Sends a message to every listener of the topic, this process included. */
  publish(topic: string, message: string): Promise<void>;
  /** @returns a function that ends the subscription. */
  subscribe(topic: string, listener: (message: string) => void): () => void;
}

/** Topics of one process. */
export function localTopics(): Topics {
  const listeners = new Map<string, Set<(message: string) => void>>();
  return {
    publish: (topic, message) => {
      // A listener that throws must not keep the message from the others.
      for (const listener of listeners.get(topic) ?? [])
        queueMicrotask(() => {
          listener(message);
        });
      return Promise.resolve();
    },
    subscribe: (topic, listener) => {
      // Each subscription is its own, also of a listener that subscribes twice.
      const own = (message: string) => {
        listener(message);
      };
      const set = listeners.get(topic) ?? new Set();
      listeners.set(topic, set.add(own));
      return () => {
        set.delete(own);
        if (set.size === 0 && listeners.get(topic) === set) listeners.delete(topic);
      };
    },
  };
}

export interface FollowOptions {
  /** Ends the loop: `request.signal` of the client that the messages are for. */
  readonly signal?: AbortSignal;
  /** Messages that may wait for the loop. Beyond them the loop ends: the client reconnects and reads again. Default 256. */
  readonly maxWaiting?: number;
}

/** The messages of a topic from now on, for a loop. The subscription ends with the loop. */
export async function* follow(
  topics: Topics,
  topic: string,
  { signal, maxWaiting = 256 }: FollowOptions = {},
): AsyncGenerator<string, void, undefined> {
  const waiting: string[] = [];
  let hasOverflowed = false;
  let wake: (() => void) | null = null;
  const notify = () => {
    wake?.();
    wake = null;
  };
  const unsubscribe = topics.subscribe(topic, (message) => {
    if (waiting.length >= maxWaiting) hasOverflowed = true;
    else waiting.push(message);
    notify();
  });
  signal?.addEventListener("abort", notify, { once: true });
  try {
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) yield message;
      else if (hasOverflowed || signal?.aborted === true) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    unsubscribe();
    signal?.removeEventListener("abort", notify);
  }
}
