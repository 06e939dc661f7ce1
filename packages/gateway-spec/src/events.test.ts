import { describe, expect, test, vi } from "vitest";
import { eventStream, type EventStreamOptions, formatEvent, type ServerSentEvent } from "./events.ts";

async function* source(...events: (ServerSentEvent | string)[]): AsyncGenerator<ServerSentEvent | string> {
  yield* events;
}

function iterate(events: AsyncIterable<ServerSentEvent | string>, options?: EventStreamOptions): AsyncIterator<string> {
  // An event stream's body is one.
  return (eventStream(events, options).body as AsyncIterable<string>)[Symbol.asyncIterator]();
}

/** A source that waits until it is let go. */
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
    ["data of several lines, however they end", { data: "a\nb\r\nc\rd" }, "data: a\ndata: b\ndata: c\ndata: d\n\n"],
    ["empty data", { data: "" }, "data: \n\n"],
    ["a type and an id", { event: "tick", id: "7", data: "x" }, "event: tick\nid: 7\ndata: x\n\n"],
    ["a pause before connecting again", { retryMs: 1000 }, "retry: 1000\n\n"],
    ["a comment", { comment: "one\ntwo" }, ": one\n: two\n\n"],
  ])("is written with %s", (_what, event, text) => {
    expect(formatEvent(event)).toBe(text);
  });

  test.each<[string, ServerSentEvent]>([
    ["a type of two lines", { event: "a\ndata: b" }],
    ["an id of two lines", { id: "a\rb" }],
    ["an id with a NUL", { id: "a\0" }],
    ["half a millisecond", { retryMs: 0.5 }],
    ["less than no time", { retryMs: -1 }],
  ])("is refused with %s", (_what, event) => {
    expect(() => formatEvent(event)).toThrow(TypeError);
  });
});

describe("an event stream", () => {
  test("is a response whose fields can be changed", () => {
    const { status, headers } = eventStream(source(), { headers: { "Cache-Control": "no-cache", "x-a": "b" } });
    expect([status, [...(headers as Iterable<[string, string]>)]]).toEqual([
      200,
      [
        ["content-type", "text/event-stream"],
        ["cache-control", "no-cache"],
        ["x-a", "b"],
      ],
    ]);
  });

  test("gives events and texts, and ends with its source", async () => {
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

  test("breaks a silence with comments, and asks its source only once meanwhile", async () => {
    vi.useFakeTimers();
    try {
      const gate = Promise.withResolvers<IteratorResult<string>>();
      const next = vi.fn<() => Promise<IteratorResult<string>>>(() => gate.promise);
      const stream = iterate({ [Symbol.asyncIterator]: () => ({ next }) }, { keepAliveMs: 100 });
      for (let silence = 0; silence < 3; silence++) {
        const piece = stream.next();
        await vi.advanceTimersByTimeAsync(100);
        expect(await piece).toEqual({ done: false, value: ":\n\n" });
      }
      const piece = stream.next();
      gate.resolve({ done: false, value: "late" });
      expect(await piece).toEqual({ done: false, value: "data: late\n\n" });
      expect(next).toHaveBeenCalledOnce();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("ends itself on draining, in the middle of a wait too, and lets its source go", async () => {
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

  test("lets its source go where the server drops it, once", async () => {
    const waiting = silent();
    const stream = iterate(waiting);
    await stream.return?.();
    await stream.return?.();
    expect(waiting.return).toHaveBeenCalledOnce();
  });
});
