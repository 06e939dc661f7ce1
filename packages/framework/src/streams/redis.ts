/**
 * Topics across machines, through a server that speaks the Redis protocol (Redis 6 or newer, Valkey). It needs the package `redis`, an
 * optional peer dependency that only this entry imports.
 *
 * One connection carries both directions (RESP3). Redis keeps no message for a client that is away, so each reconnection is a gap
 * for every listener. An outage is no error of the application: messages reach the listeners of this process without Redis.
 *
 * @module @tsgi/framework/redis
 */
import { randomUUID } from "node:crypto";
import { createClient } from "redis";
import { Listeners } from "./listeners.ts";
import type { Topics } from "./topics.ts";

/** The names of the channels, and the log. */
export interface RedisTopicsOptions {
  /** In front of each topic in the name of its channel, for applications that share a Redis server. Default `tsgi:`. */
  readonly prefix?: string;
  /** Gets a line when the connection is lost, and one when it is back. Default: the console. */
  readonly logger?: { warn(message: string): void };
}

/** {@link Topics} over a Redis connection. */
export interface RedisTopics extends Topics {
  /** Closes the connection. For the application's `shutdown`. */
  close(): Promise<void>;
}

/**
 * Connects in the background and reconnects by itself: an application starts, and goes on, without Redis.
 *
 *     const topics = redisTopics("redis://:password@redis.internal:6379");
 *
 * @param url `redis://[[user]:password@]host[:port][/database]`, `rediss:` for TLS.
 * @throws TypeError for a URL of another form.
 */
export function redisTopics(url: string, options: RedisTopicsOptions = {}): RedisTopics {
  const protocol = URL.parse(url)?.protocol;
  if (protocol !== "redis:" && protocol !== "rediss:") {
    // Without the URL, which may hold a password.
    throw new TypeError("The Redis URL must look like redis://user:password@host:6379, with rediss: for TLS");
  }
  return new Connection(url, options);
}

/** Messages that wait for Redis, while it is away or slow. Beyond them a message is dropped, and its topic gets a gap. */
const MAX_WAITING = 1000;

/** Detects a dead connection that TCP has not reported. */
const PING_MS = 10_000;

/** The content of a channel's message. `message` is null for a gap: a message of this sender is missing. */
type Envelope = readonly [sender: string, message: string | null];

class Connection implements RedisTopics {
  readonly #prefix: string;
  readonly #logger: NonNullable<RedisTopicsOptions["logger"]>;
  readonly #client: ReturnType<typeof createClient>;
  readonly #listeners = new Listeners();
  /** Marks own messages, which the listeners of this process have got already. */
  readonly #id = randomUUID();
  /** Topics whose channel Redis has confirmed, and those with a command under way. */
  readonly #subscribed = new Set<string>();
  readonly #changing = new Set<string>();
  /** Topics of messages that were not sent. */
  readonly #missed = new Set<string>();
  #waiting = 0;
  #isInterrupted = false;
  #isClosed = false;

  constructor(url: string, { prefix = "tsgi:", logger = console }: RedisTopicsOptions) {
    this.#prefix = prefix;
    this.#logger = logger;
    this.#client = createClient({ url, pingInterval: PING_MS });
    this.#client.on("error", (error: unknown) => {
      this.#interrupted(error);
    });
    this.#client.on("ready", () => {
      this.#ready();
    });
    // Rejects only where it was closed before it was connected.
    this.#client.connect().catch(() => undefined);
  }

  publish(topic: string, message: string): Promise<void> {
    this.#listeners.deliver(topic, message);
    this.#send(topic, message);
    return Promise.resolve();
  }

  subscribe(topic: string, listener: (message: string) => void, onGap?: () => void): () => void {
    const end = this.#listeners.add(topic, listener, onGap);
    this.#settle(topic);
    return () => {
      end();
      this.#settle(topic);
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // An orderly end waits for responses, which a server that is away does not send.
    if (this.#client.isReady) await this.#client.close();
    else this.#client.destroy();
  }

  #send(topic: string, message: string | null): void {
    if (this.#isClosed) return;
    if (this.#waiting >= MAX_WAITING) {
      this.#missed.add(topic);
      return;
    }
    const envelope: Envelope = [this.#id, message];
    this.#waiting++;
    this.#client.publish(this.#prefix + topic, JSON.stringify(envelope)).then(
      () => {
        this.#waiting--;
        this.#reportMissed();
        return undefined;
      },
      () => {
        this.#waiting--;
        // Its connection ended before Redis confirmed it: it may have arrived or not.
        this.#missed.add(topic);
      },
    );
  }

  #reportMissed(): void {
    const topics = [...this.#missed];
    this.#missed.clear();
    for (const topic of topics) this.#send(topic, null);
  }

  /** Brings the subscription of a topic to what its listeners need. A command that fails is repeated after the reconnection. */
  #settle(topic: string): void {
    const isWanted = this.#listeners.has(topic);
    if (this.#isClosed || this.#changing.has(topic) || isWanted === this.#subscribed.has(topic)) return;
    this.#changing.add(topic);
    const channel = this.#prefix + topic;
    const command = isWanted
      ? this.#client.subscribe(channel, (text) => {
          this.#receive(topic, text);
        })
      : this.#client.unsubscribe(channel);
    command.then(
      () => {
        this.#changing.delete(topic);
        if (isWanted) {
          this.#subscribed.add(topic);
          // What was sent between the call of subscribe() and now.
          this.#listeners.reportGap(topic);
        } else this.#subscribed.delete(topic);
        this.#settle(topic);
        return undefined;
      },
      () => {
        this.#changing.delete(topic);
      },
    );
  }

  #receive(topic: string, text: string): void {
    const envelope = parse(text);
    if (envelope?.[0] === this.#id) return;
    // A message of another form says that something has happened, too.
    if (typeof envelope?.[1] === "string") this.#listeners.deliver(topic, envelope[1]);
    else this.#listeners.reportGap(topic);
  }

  #interrupted(error: unknown): void {
    if (this.#isInterrupted || this.#isClosed) return;
    this.#isInterrupted = true;
    this.#logger.warn(
      `Redis is not reachable, reconnecting: ${error instanceof Error ? error.message : String(error)}`,
    );
  }

  #ready(): void {
    if (this.#isInterrupted) this.#logger.warn("Redis is reachable again");
    this.#isInterrupted = false;
    // The client has subscribed again to what was confirmed before.
    for (const topic of this.#subscribed) this.#listeners.reportGap(topic);
    for (const topic of new Set([...this.#listeners.topics(), ...this.#subscribed])) this.#settle(topic);
    this.#reportMissed();
  }
}

function parse(text: string): Envelope | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && typeof value[0] === "string" ? (value as unknown as Envelope) : null;
  } catch {
    return null;
  }
}
