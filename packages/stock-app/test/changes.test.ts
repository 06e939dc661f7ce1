import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { localTopics, type Topics } from "@tsgi/framework/streams";
import { Changes } from "../src/changes.ts";

/** What the database holds; `null` while it fails. */
let version: number | null;
let topics: Topics;
let changes: Changes;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  version = 5;
  topics = localTopics();
  changes = createChanges();
});
afterEach(() => {
  vi.useRealTimers();
});

/** One process. */
function createChanges(): Changes {
  return new Changes(
    {
      version: async () => {
        if (version === null) throw new Error("no database");
        return version;
      },
    },
    topics,
  );
}

/** The events of one page, which leaves at the end. */
function open(since: string, lastEventId: string | null = null) {
  const left = new AbortController();
  const headers = new Headers(lastEventId === null ? {} : { "last-event-id": lastEventId });
  const { body } = changes.stream(
    { request: { headers, signal: left.signal }, exchange: { draining: new AbortController().signal } },
    since,
  );
  const pieces = (body as AsyncIterable<string>)[Symbol.asyncIterator]();
  return {
    next: async () =>
      /^event: (\w+)\nid: (\d+)\n/
        .exec(String((await pieces.next()).value))
        ?.slice(1)
        .join(" "),
    [Symbol.asyncDispose]: async () => {
      left.abort();
      await pieces.return?.();
    },
  };
}

test.each([
  ["5", null, "current 5"],
  ["4", null, "changed 5"],
  ["", null, "changed 5"],
  // What a browser has seen last counts more than the page that it was loaded with.
  ["4", "5", "current 5"],
  ["5", "4", "changed 5"],
])("a page of version %j that saw %j last gets %j first", async (since, lastEventId, event) => {
  await using page = open(since, lastEventId);
  expect(await page.next()).toBe(event);
});

test("a change of this process is reported at once, to every page once", async () => {
  await using first = open("5");
  await using second = open("5");
  expect([await first.next(), await second.next()]).toEqual(["current 5", "current 5"]);
  for (version of [6, 7]) {
    await changes.announce();
    await changes.announce();
    expect([await first.next(), await second.next()]).toEqual([`changed ${version}`, `changed ${version}`]);
  }
});

test("a change of another process is found by reading the version, also after the database has failed", async () => {
  await using page = open("5");
  await page.next();
  version = null;
  await vi.advanceTimersByTimeAsync(5000);
  version = 6;
  await vi.advanceTimersByTimeAsync(1000);
  expect(await page.next()).toBe("changed 6");
});

test("a change of another process is reported at once, where topics reach it", async () => {
  await using page = open("5");
  await page.next();
  version = 6;
  await createChanges().announce();
  expect(await page.next()).toBe("changed 6");
});

test("the version is read only while a page is open", async () => {
  {
    await using page = open("5");
    await page.next();
    expect(vi.getTimerCount()).toBe(1);
  }
  await new Promise(setImmediate);
  expect(vi.getTimerCount()).toBe(0);
});
