/**
 * Says to open pages that the followed stocks have changed, by an event stream. The version in the database is the truth, so that
 * pages of other processes and machines learn of a change too; a page that reconnects compares versions and misses nothing.
 */
import type { Reply } from "@tsgi/framework";
import { events, follow, localTopics, type StreamEvent } from "@tsgi/framework/streams";
import type { StockStore } from "./stock-store.ts";

/** How often the version is read while a page is open, for changes of other processes. */
const POLL_MS = 1000;

const TOPIC = "followed";

export class Changes {
  readonly #stocks: Pick<StockStore, "version">;
  readonly #topics = localTopics();
  #listeners = 0;
  #version = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stocks: Pick<StockStore, "version">) {
    this.#stocks = stocks;
  }

  /** Reads the version, and reports it if it is new. A database that fails is asked again at the next turn. */
  readonly check = async (): Promise<void> => {
    const version = await this.#stocks.version().catch(() => this.#version);
    if (version === this.#version) return;
    this.#version = version;
    await this.#topics.publish(TOPIC, String(version));
  };

  /**
   * The event stream of one page.
   * @param since the version that the page shows.
   */
  stream(context: Parameters<typeof events>[0], since: string): Reply {
    return events(context, (lastId, signal) => this.#events(lastId ?? since, signal));
  }

  async *#events(since: string, signal: AbortSignal): AsyncGenerator<StreamEvent, void, undefined> {
    const ended = new AbortController();
    const messages = follow(this.#topics, TOPIC, { signal: AbortSignal.any([signal, ended.signal]) });
    // Subscribes, before the version is read: a change in between is in one of the two.
    const first = messages.next();
    this.#enter();
    try {
      await this.check();
      let sent = String(this.#version);
      yield { event: sent === since ? "current" : "changed", data: sent, id: sent };
      for (let next = await first; next.done !== true; next = await messages.next()) {
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
    this.#listeners += 1;
    this.#timer ??= setInterval(() => void this.check(), POLL_MS);
  }

  #leave(): void {
    this.#listeners -= 1;
    if (this.#listeners > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
