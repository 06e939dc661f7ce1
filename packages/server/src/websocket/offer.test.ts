import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pings } from "./offer.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test.each([2 ** 31, Number.POSITIVE_INFINITY])(
  "an interval of %d ms, longer than node's timers, sends no ping soon",
  (ms) => {
    const ping = vi.fn();
    const lost = vi.fn();
    const pings = new Pings(ms, ping, () => false, lost);
    vi.advanceTimersByTime(60_000);
    pings.stop();
    expect([ping, lost].map(({ mock }) => mock.calls)).toEqual([[], []]);
  },
);
