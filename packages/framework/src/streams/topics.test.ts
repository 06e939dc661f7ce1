import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { describeWithRedis, RedisServer } from "../../test/redis-server.ts";
import { changes, follow, localTopics, type Topics, workerTopics } from "./index.ts";
import { redisTopics, type RedisTopics } from "./redis.ts";

/** What every implementation of Topics does. @param open gives two ends: what one publishes, the other receives. */
function describeTopics(name: string, open: () => Promise<readonly [Topics, Topics]>): void {
  describe(name, () => {
    let near: Topics;
    let far: Topics;
    beforeEach(async () => {
      [near, far] = await open();
    });

    test("a message goes to every listener of its topic, once for each subscription, until it ends", async () => {
      const seen: string[] = [];
      const listener = (message: string) => void seen.push(message);
      const ends = [near.subscribe("a", listener), near.subscribe("a", listener), near.subscribe("b", listener)];
      await near.publish("a", "1");
      expect(seen).toEqual(["1", "1"]);
      ends[0]?.();
      ends[0]?.();
      await near.publish("a", "2");
      await near.publish("c", "3");
      expect(seen).toEqual(["1", "1", "2"]);
    });

    test("messages of one publisher arrive at another end in order", async () => {
      const messages = await subscribed(far, near, "a");
      await Promise.all(["1", "2", "添"].map((message) => near.publish("a", message)));
      expect([await messages.next(), await messages.next(), await messages.next()]).toEqual(["1", "2", "添"]);
    });

    test("a topic that is left and followed again gets messages", async () => {
      near.subscribe("a", () => undefined)();
      const messages = await subscribed(far, near, "a");
      await near.publish("a", "1");
      expect(await messages.next()).toBe("1");
    });
  });
}

/** Subscribes one end and waits until a message of the other one arrives. */
async function subscribed(to: Topics, from: Topics, topic: string): Promise<Inbox> {
  const inbox = new Inbox();
  to.subscribe(topic, inbox.add, inbox.gap);
  const timer = setInterval(() => void from.publish(topic, "ready?"), 5);
  while ((await inbox.next()) !== "ready?");
  clearInterval(timer);
  await from.publish(topic, "ready");
  while ((await inbox.next()) !== "ready");
  return inbox;
}

/** What a listener got, in order. */
class Inbox {
  readonly #target = new EventTarget();
  readonly #messages: string[] = [];
  readonly #gaps: null[] = [];

  readonly add = (message: string): void => {
    this.#messages.push(message);
    this.#target.dispatchEvent(new Event("message"));
  };
  readonly gap = (): void => {
    this.#gaps.push(null);
    this.#target.dispatchEvent(new Event("gap"));
  };

  async next(): Promise<string> {
    if (this.#messages.length === 0) await once(this.#target, "message");
    return this.#messages.shift() ?? "";
  }
  /** Waits for a gap since the last call. */
  async nextGap(): Promise<void> {
    if (this.#gaps.length === 0) await once(this.#target, "gap");
    this.#gaps.length = 0;
  }
}

describeTopics("localTopics", () => {
  const topics = localTopics();
  return Promise.resolve([topics, topics]);
});

describeTopics("workerTopics", () => Promise.resolve([workerTopics(), workerTopics()]));

test("workerTopics drops what another program posts to its channel", async () => {
  const topics = workerTopics();
  const messages = await subscribed(topics, workerTopics(), "a");
  const foreign = new BroadcastChannel("tsgi.topics");
  for (const message of [null, "a", ["a"], ["a", 1], ["a", "b", "c"], ["a", "right"]]) foreign.postMessage(message);
  expect(await messages.next()).toBe("right");
  foreign.close();
});

describeWithRedis("a Redis server", (program) => {
  let server: RedisServer;
  const opened: RedisTopics[] = [];
  const warnings: string[] = [];
  const connect = (options: { readonly prefix?: string } = {}) => {
    const topics = redisTopics(server.url, { ...options, logger: { warn: (line) => void warnings.push(line) } });
    opened.push(topics);
    return topics;
  };
  beforeEach(async () => {
    server = await RedisServer.start(program);
    warnings.length = 0;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((topics) => topics.close()));
    await server.kill();
  });

  describeTopics("redisTopics", () => Promise.resolve([connect(), connect()]));

  test("another prefix is another world", async () => {
    const [near, far, other] = [connect(), connect(), connect({ prefix: "other:" })];
    const messages = await subscribed(far, near, "a");
    await subscribed(other, other, "a");
    await other.publish("a", "not for us");
    await near.publish("a", "for us");
    expect(await messages.next()).toBe("for us");
  });

  test("after a restart of the server each listener gets a gap, and messages arrive again", async () => {
    const [near, far] = [connect(), connect()];
    const messages = await subscribed(far, near, "a");
    await messages.nextGap();
    await server.kill();
    await server.start();
    await messages.nextGap();
    await near.publish("a", "after the restart");
    // What waited during the outage may come first.
    while ((await messages.next()) !== "after the restart");
    expect(warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Redis is not reachable, reconnecting: /),
        "Redis is reachable again",
      ]),
    );
  });

  test("without the server the listeners of the same process get messages, and it connects when the server is there", async () => {
    await server.kill();
    const [near, far] = [connect(), connect()];
    const [own, other] = [new Inbox(), new Inbox()];
    near.subscribe("a", own.add, own.gap);
    far.subscribe("a", other.add, other.gap);
    await near.publish("a", "1");
    expect(await own.next()).toBe("1");
    await server.start();
    await other.nextGap();
    await near.publish("a", "2");
    while ((await other.next()) !== "2");
  });

  test("a listener whose messages were dropped, because too many waited for the server, gets a gap", async () => {
    const [near, far] = [connect(), connect()];
    const messages = await subscribed(far, near, "a");
    await messages.nextGap();
    await Promise.all(Array.from({ length: 1500 }, (_, i) => near.publish("a", String(i))));
    await messages.nextGap();
  });

  test("a message of another program is a gap", async () => {
    const { createClient } = await import("redis");
    const far = connect();
    const messages = await subscribed(far, connect(), "a");
    const other = await createClient({ url: server.url }).connect();
    for (const text of ["no JSON", "{}", "[1]", '["someone", null]', '["someone"]']) {
      await messages.nextGap();
      await other.publish("tsgi:a", text);
    }
    await messages.nextGap();
    await other.publish("tsgi:a", '["someone", "hello"]');
    expect(await messages.next()).toBe("hello");
    other.destroy();
  });

  test("close() also ends a connection that is not there, and may be called twice", async () => {
    await server.kill();
    const topics = connect();
    await topics.close();
    await topics.close();
    await topics.publish("a", "after the end");
    topics.subscribe("a", () => undefined)();
  });
});

test.each(["", "localhost:6379", "http://user:secret@host", "mysql://user:secret@host"])(
  "redisTopics refuses the URL %j without repeating it",
  (url) => {
    expect(() => redisTopics(url)).toThrow(
      new TypeError("The Redis URL must look like redis://user:password@host:6379, with rediss: for TLS"),
    );
  },
);

describe("follow", () => {
  test("gives messages in order and ends with its signal", async () => {
    const topics = localTopics();
    const gone = new AbortController();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const message of follow(topics, "a", { signal: gone.signal })) {
        seen.push(message);
        if (message === "2") gone.abort();
      }
    })();
    await Promise.resolve();
    await topics.publish("a", "1");
    await topics.publish("a", "2");
    await loop;
    await topics.publish("a", "3");
    expect(seen).toEqual(["1", "2"]);
  });

  test("ends where its loop is too slow, after the messages that waited", async () => {
    const topics = localTopics();
    const loop = follow(topics, "a", { maxWaiting: 2 });
    const first = loop.next();
    await Promise.all(["1", "2", "3", "4"].map((message) => topics.publish("a", message)));
    expect(await first).toEqual({ done: false, value: "1" });
    const rest: string[] = [];
    for await (const message of loop) rest.push(message);
    expect(rest).toEqual(["2"]);
  });
});

describe("changes", () => {
  /** Topics whose gaps the test makes. */
  function withGaps() {
    const topics = localTopics();
    const gaps = new Set<() => void>();
    const subscribe: Topics["subscribe"] = (topic, listener, onGap = () => undefined) => {
      gaps.add(onGap);
      const end = topics.subscribe(topic, listener);
      return () => {
        gaps.delete(onGap);
        end();
      };
    };
    return { topics: { ...topics, subscribe }, gaps };
  }
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const TURN = { done: false, value: undefined };
  const END = { done: true, value: undefined };

  test("turns at the start, after a message, after a gap and after everyMs, and ends with its signal", async () => {
    const { topics, gaps } = withGaps();
    const gone = new AbortController();
    const loop = changes(topics, "a", { signal: gone.signal, everyMs: 50 });
    const causes: readonly (() => unknown)[] = [
      () => undefined,
      () => topics.publish("a", "x"),
      () => {
        for (const gap of gaps) gap();
      },
      () => vi.advanceTimersByTimeAsync(50),
    ];
    for (const cause of causes) {
      const turn = loop.next();
      await cause();
      expect(await turn).toEqual(TURN);
    }
    const last = loop.next();
    gone.abort();
    expect(await last).toEqual(END);
    expect([gaps.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test("messages that arrive during a turn cause one more turn", async () => {
    const { topics } = withGaps();
    const gone = new AbortController();
    const loop = changes(topics, "a", { signal: gone.signal, everyMs: 0 });
    expect(await loop.next()).toEqual(TURN);
    await Promise.all(["1", "2", "3"].map((message) => topics.publish("a", message)));
    expect(await loop.next()).toEqual(TURN);
    const waiting = loop.next();
    const first = await Promise.race([waiting, Promise.resolve("waits")]);
    expect(first).toBe("waits");
    gone.abort();
    expect(await waiting).toEqual(END);
  });

  test("does not turn for a client that is gone already", async () => {
    expect(await changes(localTopics(), "a", { signal: AbortSignal.abort() }).next()).toEqual(END);
  });

  test("a loop that is left ends its subscription and its timer", async () => {
    const { topics, gaps } = withGaps();
    for await (const _ of changes(topics, "a")) break;
    expect([gaps.size, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
