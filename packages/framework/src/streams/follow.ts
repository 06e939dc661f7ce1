/** Topics as loops. */
import type { Topics } from "./topics.ts";

/** When {@link follow} ends. */
export interface FollowOptions {
  /** Ends the loop: `request.signal` of the client that the messages are for. */
  readonly signal?: AbortSignal;
  /** Messages that may wait for the loop. Beyond them the loop ends: the client reconnects and reads again. Default 256. */
  readonly maxWaiting?: number;
}

/**
 * The messages of a topic from now on, for a loop. The subscription ends with the loop. A message that a broker lost is missing
 * here: where the messages say what is in the database, use {@link changes}.
 */
export async function* follow(
  topics: Topics,
  topic: string,
  { signal, maxWaiting = 256 }: FollowOptions = {},
): AsyncGenerator<string, void, undefined> {
  const waiting: string[] = [];
  let hasOverflowed = false;
  const alarm = new Alarm(signal);
  const unsubscribe = topics.subscribe(topic, (message) => {
    if (waiting.length >= maxWaiting) hasOverflowed = true;
    else waiting.push(message);
    alarm.ring();
  });
  try {
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) yield message;
      else if (hasOverflowed || signal?.aborted === true) return;
      else await alarm.rung();
    }
  } finally {
    unsubscribe();
    alarm.stop();
  }
}

/** When {@link changes} ends, and how often it turns without a message. */
export interface ChangesOptions {
  /** Ends the loop: the signal that the source of {@link events} gets. */
  readonly signal?: AbortSignal;
  /** The loop also turns after this time without a message, in milliseconds. 0 disables it. Default 30,000. */
  readonly everyMs?: number;
}

/**
 * Turns a loop whenever something may have changed: once at the start, after each message of the topic, after a gap, and from
 * time to time. Messages that arrive during a turn cause one more turn, so that the loop reads the database no more often than it can:
 *
 *     app.get("/prices", (context) =>
 *       events(context, async function* (lastId, signal) {
 *         let last = Number(lastId ?? 0);
 *         for await (const _ of changes(topics, "prices", { signal })) {
 *           for (const row of await database.query<Price>("SELECT * FROM price WHERE id > ? ORDER BY id", [last])) {
 *             last = row.id;
 *             yield { id: row.id, data: row };
 *           }
 *         }
 *       }),
 *     );
 */
export async function* changes(
  topics: Topics,
  topic: string,
  { signal, everyMs = 30_000 }: ChangesOptions = {},
): AsyncGenerator<void, void, undefined> {
  const alarm = new Alarm(signal);
  const ring = () => {
    alarm.ring();
  };
  // Subscribed before the first turn: a change is seen by that turn, or causes the next one.
  const unsubscribe = topics.subscribe(topic, ring, ring);
  const timer = everyMs === 0 ? undefined : setInterval(ring, everyMs);
  try {
    for (;;) {
      if (signal?.aborted === true) return;
      yield;
      await alarm.rung();
    }
  } finally {
    unsubscribe();
    clearInterval(timer);
    alarm.stop();
  }
}

/** Wakes one loop. A ring while the loop is busy is kept; several are one. */
class Alarm {
  readonly #signal: AbortSignal | undefined;
  #hasRung = false;
  #wake: (() => void) | null = null;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener("abort", this.ring, { once: true });
  }

  readonly ring = (): void => {
    this.#hasRung = true;
    this.#wake?.();
  };

  async rung(): Promise<void> {
    if (!this.#hasRung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#hasRung = false;
    this.#wake = null;
  }

  stop(): void {
    this.#signal?.removeEventListener("abort", this.ring);
  }
}
