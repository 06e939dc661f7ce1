/**
 * Says to open pages that the followed stocks have changed, by an event stream. The version in the database is the truth. A message
 * to the other processes and machines is a hint to read it now; without one it is read every second, and a page that reconnects
 * compares versions, so a page misses nothing.
 */
import type { Reply } from "@tsgi/framework";
import {
  changes as changesOf,
  events,
  follow,
  localTopics,
  type StreamEvent,
  type Topics,
} from "@tsgi/framework/streams";
import type { StockStore } from "./stock-store.ts";

/** How often the version is read while a page is open, where no message says that it is new. */
const POLL_MS = 1000;

const TOPIC = "followed";

export class Changes {
  readonly #stocks: Pick<StockStore, "version">;
  readonly #topics: Topics;
  /** To the pages of this process: the new version. */
  readonly #pages = localTopics();
  #openPages = 0;
  #version = 0;
  #watching: AbortController | null = null;
  #reads: Promise<void> = Promise.resolve();

  /** @param topics reach the other processes that use the database. */
  constructor(stocks: Pick<StockStore, "version">, topics: Topics) {
    this.#stocks = stocks;
    this.#topics = topics;
  }

  /** To be called after a change. */
  announce(): Promise<void> {
    return this.#topics.publish(TOPIC, "");
  }

  /**
   * The event stream of one page.
   * @param since the version that the page shows.
   */
  stream(context: Parameters<typeof events>[0], since: string): Reply {
    return events(context, (lastId, signal) => this.#events(lastId ?? since, signal));
  }

  async *#events(since: string, signal: AbortSignal): AsyncGenerator<StreamEvent, void, undefined> {
    const ended = new AbortController();
    const versions = follow(this.#pages, TOPIC, { signal: AbortSignal.any([signal, ended.signal]) });
    // Subscribes, before the version is read: a change in between is in one of the two.
    const first = versions.next();
    this.#enter();
    try {
      await this.#read();
      let sent = String(this.#version);
      yield { event: sent === since ? "current" : "changed", data: sent, id: sent };
      for (let next = await first; next.done !== true; next = await versions.next()) {
        if (next.value === sent) continue;
        sent = next.value;
        yield { event: "changed", data: sent, id: sent };
      }
    } finally {
      this.#leave();
      ended.abort();
    }
  }

  #enter(): void {
    this.#openPages += 1;
    if (this.#watching !== null) return;
    this.#watching = new AbortController();
    void this.#watch(this.#watching.signal);
  }

  #leave(): void {
    this.#openPages -= 1;
    if (this.#openPages > 0) return;
    this.#watching?.abort();
    this.#watching = null;
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for await (const _ of changesOf(this.#topics, TOPIC, { signal, everyMs: POLL_MS })) await this.#read();
  }

  /** Reads the version and reports it to the pages if it is new. One read after the other, so that no old one comes last. */
  #read(): Promise<void> {
    this.#reads = this.#reads.then(async () => {
      // A database that fails is read again at the next turn.
      const version = await this.#stocks.version().catch(() => this.#version);
      if (version === this.#version) return undefined;
      this.#version = version;
      await this.#pages.publish(TOPIC, String(version));
      return undefined;
    });
    return this.#reads;
  }
}
