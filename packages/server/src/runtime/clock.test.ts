import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deadline, SYSTEM_CLOCK } from "./clock.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test.each([2 ** 31, Number.POSITIVE_INFINITY])(
  "an interval of %d ms, longer than node's timers, has no tick soon",
  (ms) => {
    const tick = vi.fn();
    const stop = SYSTEM_CLOCK.every(ms, tick);
    vi.advanceTimersByTime(60_000);
    stop();
    expect(tick).not.toHaveBeenCalled();
  },
);

test("a deadline is over once, unless it is cancelled", async () => {
  const over = vi.fn();
  const [kept, cancelled] = [deadline(SYSTEM_CLOCK, 1000), deadline(SYSTEM_CLOCK, 500)];
  cancelled.over.then(over, over);
  cancelled.cancel();
  await vi.advanceTimersByTimeAsync(1000);
  await kept.over;
  expect(over).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
