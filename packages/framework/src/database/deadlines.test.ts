import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Deadlines } from "./deadlines.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function operation(expired: string[], name: string) {
  return { startedAt: performance.now(), expire: () => void expired.push(name) };
}

test("operations expire after the limit, each once, in the order in which they were added", () => {
  const expired: string[] = [];
  const deadlines = new Deadlines(1000);
  deadlines.add(operation(expired, "a"));
  vi.advanceTimersByTime(400);
  deadlines.add(operation(expired, "b"));
  vi.advanceTimersByTime(599);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(["a"]);
  vi.advanceTimersByTime(400);
  expect(expired).toEqual(["a", "b"]);
  vi.advanceTimersByTime(5000);
  expect(expired).toEqual(["a", "b"]);
});

test("an operation that was deleted does not expire", () => {
  const expired: string[] = [];
  const deadlines = new Deadlines(1000);
  const ended = operation(expired, "ended");
  deadlines.add(ended);
  deadlines.add(operation(expired, "open"));
  deadlines.delete(ended);
  vi.advanceTimersByTime(2000);
  expect(expired).toEqual(["open"]);
});

test("many operations share one timer, and without operations there is none", () => {
  const deadlines = new Deadlines(1000);
  for (let index = 0; index < 100; index++) deadlines.add(operation([], ""));
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(vi.getTimerCount()).toBe(0);
});

test("an operation that an expired one adds gets the whole limit", () => {
  const expired: string[] = [];
  const deadlines = new Deadlines(1000);
  deadlines.add({
    startedAt: performance.now(),
    expire: () => deadlines.add(operation(expired, "again")),
  });
  vi.advanceTimersByTime(1999);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(["again"]);
});
