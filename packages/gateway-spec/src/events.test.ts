import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { eventStream, type EventStreamOptions, formatEvent, type ServerSentEvent } from "./events.ts";

async function* source(...events: (ServerSentEvent | string)[]): AsyncGenerator<ServerSentEvent | string> {
  yield* events;
}

function iterate(events: AsyncIterable<ServerSentEvent | string>, options?: EventStreamOptions): AsyncIterator<string> {
  // The body of an event stream is an async iterable.
  return (eventStream(events, options).body as AsyncIterable<string>)[Symbol.asyncIterator]();
}

/** A source that gives nothing until it is released. */
function silent() {
  const returned = vi.fn<() => Promise<IteratorResult<string>>>(() =>
    Promise.resolve({ done: true, value: undefined }),
  );
  const next = vi.fn<() => Promise<IteratorResult<string>>>(() => new Promise(() => undefined));
  return { next, return: returned, [Symbol.asyncIterator]: () => ({ next, return: returned }) };
}

describe("an event", () => {
  test.each<[string, ServerSentEvent, string]>([
    ["data", { data: "hello" }, "data: hello\n\n"],
    ["data of several lines, with any line ends", { data: "a\nb\r\nc\rd" }, "data: a\ndata: b\ndata: c\ndata: d\n\n"],
    ["empty data", { data: "" }, "data: \n\n"],
    ["a type and an id", { event: "tick", id: "7", data: "x" }, "event: tick\nid: 7\ndata: x\n\n"],
    ["a reconnection time", { retryMs: 1000 }, "retry: 1000\n\n"],
    ["a comment", { comment: "one\ntwo" }, ": one\n: two\n\n"],
  ])("is written with %s", (_what, event, text) => {
    expect(formatEvent(event)).toBe(text);
  });

  test.each<[string, ServerSentEvent]>([
    ["a type of two lines", { event: "a\ndata: b" }],
    ["an id of two lines", { id: "a\rb" }],
    ["an id with a NUL", { id: "a\0" }],
    ["a fraction of a millisecond", { retryMs: 0.5 }],
    ["a negative time", { retryMs: -1 }],
  ])("is refused with %s", (_what, event) => {
    expect(() => formatEvent(event)).toThrow(TypeError);
  });
});

describe("an event stream", () => {
  test("is a response that proxies neither store nor transform", () => {
    const { status, headers } = eventStream(source());
    expect([status, [...(headers as Iterable<[string, string]>)]]).toEqual([
      200,
      [
        ["content-type", "text/event-stream"],
        ["cache-control", "no-store, no-transform"],
      ],
    ]);
  });

  test("takes header fields that replace its own", () => {
    const { headers } = eventStream(source(), { headers: { "Cache-Control": "no-cache", "x-a": "b" } });
    expect([...(headers as Iterable<[string, string]>)]).toEqual([
      ["content-type", "text/event-stream"],
      ["cache-control", "no-cache"],
      ["x-a", "b"],
    ]);
  });

  test("sends events and strings, and ends with its source", async () => {
    const { body } = eventStream(source("a", { data: "b", id: "1" }));
    const pieces: string[] = [];
    for await (const piece of body as AsyncIterable<string>) pieces.push(piece);
    expect(pieces).toEqual(["data: a\n\n", "id: 1\ndata: b\n\n"]);
  });

  test("fails with its source", async () => {
    async function* broken(): AsyncGenerator<string> {
      yield "a";
      throw new Error("broken");
    }
    const stream = iterate(broken());
    await stream.next();
    await expect(stream.next()).rejects.toThrow("broken");
  });

  test.each<[string, unknown, string]>([
    ["a number", 1, 'must be a string or an object such as { data: "text" }, not the number 1'],
    ["undefined", undefined, "not undefined"],
  ])("fails when its source gives %s", async (_what, event, message) => {
    await expect(iterate(source(event as string)).next()).rejects.toThrow(message);
  });

  test("releases a web stream while it waits for it", async () => {
    const cancelled = vi.fn();
    const stream = new ReadableStream<string>({ cancel: cancelled });
    const events = iterate(stream);
    const piece = events.next();
    await events.return?.();
    expect(cancelled).toHaveBeenCalledOnce();
    expect((await piece).done).toBe(true);
  });

  test("fails when an event cannot be written, and releases its source", async () => {
    const released = vi.fn();
    async function* wrong(): AsyncGenerator<ServerSentEvent> {
      try {
        yield { id: "a\nb" };
      } finally {
        released();
      }
    }
    const stream = iterate(wrong());
    await expect(stream.next()).rejects.toThrow("must be one line");
    expect(released).toHaveBeenCalledOnce();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  describe("with a hand-moved clock", () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test.each([0, 2 ** 31, Number.POSITIVE_INFINITY])(
      "sends no comment soon with keepAliveMs %d",
      async (keepAliveMs) => {
        const stream = iterate(silent(), { keepAliveMs });
        const given = vi.fn();
        stream.next().then(given, given);
        await vi.advanceTimersByTimeAsync(60_000);
        expect(given).not.toHaveBeenCalled();
        await stream.return?.();
      },
    );

    test("sends a comment after keepAliveMs without an event, and does not ask its source again", async () => {
      const gate = Promise.withResolvers<IteratorResult<string>>();
      const next = vi.fn<() => Promise<IteratorResult<string>>>(() => gate.promise);
      const stream = iterate({ [Symbol.asyncIterator]: () => ({ next }) }, { keepAliveMs: 100 });
      for (let comment = 0; comment < 3; comment++) {
        const piece = stream.next();
        await vi.advanceTimersByTimeAsync(100);
        expect(await piece).toEqual({ done: false, value: ":\n\n" });
      }
      // The event arrives between two pulls: it is the next piece.
      gate.resolve({ done: false, value: "late" });
      await gate.promise;
      expect(await stream.next()).toEqual({ done: false, value: "data: late\n\n" });
      expect(next).toHaveBeenCalledOnce();
      await stream.return?.();
      expect(vi.getTimerCount()).toBe(0);
    });

    test("fails with its source when it fails between two pulls", async () => {
      const gate = Promise.withResolvers<IteratorResult<string>>();
      const stream = iterate({ [Symbol.asyncIterator]: () => ({ next: () => gate.promise }) }, { keepAliveMs: 100 });
      const comment = stream.next();
      await vi.advanceTimersByTimeAsync(100);
      await comment;
      gate.reject(new Error("broken"));
      await vi.advanceTimersByTimeAsync(0);
      await expect(stream.next()).rejects.toThrow("broken");
      expect(await stream.next()).toEqual({ done: true, value: undefined });
    });

    test("uses one timer for all its events, which each of them restarts", async () => {
      const set = vi.spyOn(globalThis, "setTimeout");
      const gates = Array.from({ length: 3 }, () => Promise.withResolvers<string>());
      async function* events(): AsyncGenerator<string> {
        for (const gate of gates) yield await gate.promise;
      }
      const stream = iterate(events(), { keepAliveMs: 100 });
      for (const gate of gates) {
        const piece = stream.next();
        await vi.advanceTimersByTimeAsync(99);
        gate.resolve("event");
        expect(await piece).toMatchObject({ value: "data: event\n\n" });
      }
      expect(set.mock.calls.filter(([, delay]) => delay === 100)).toHaveLength(1);
      expect((await stream.next()).done).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
      set.mockRestore();
    });
  });

  test("gives a second pull that does not wait for the first the next event", async () => {
    const stream = iterate(source("a", "b"));
    const pieces = await Promise.all([stream.next(), stream.next(), stream.next()]);
    expect(pieces.map(({ value }) => value as unknown)).toEqual(["data: a\n\n", "data: b\n\n", undefined]);
  });

  test("adds one listener to draining for any number of streams and events", async () => {
    const draining = new AbortController();
    const add = vi.spyOn(draining.signal, "addEventListener");
    const streams = Array.from({ length: 20 }, () => iterate(source("a", "b"), { draining: draining.signal }));
    for (const stream of streams) {
      await stream.next();
      await stream.next();
    }
    expect(add).toHaveBeenCalledOnce();
    const rest = streams.map((stream) => stream.next());
    draining.abort();
    expect(await Promise.all(rest)).toEqual(streams.map(() => ({ done: true, value: undefined })));
  });

  test("ends on draining, also while it waits for its source, which it releases", async () => {
    const draining = new AbortController();
    const waiting = silent();
    const stream = iterate(waiting, { draining: draining.signal });
    const piece = stream.next();
    draining.abort();
    expect(await piece).toEqual({ done: true, value: undefined });
    expect(waiting.return).toHaveBeenCalledOnce();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(await iterate(source("a"), { draining: draining.signal }).next()).toEqual({ done: true, value: undefined });
  });

  test("releases its source once when the server releases it", async () => {
    const waiting = silent();
    const stream = iterate(waiting);
    await stream.return?.();
    await stream.return?.();
    expect(waiting.return).toHaveBeenCalledOnce();
  });
});
