import * as fc from "fast-check";
import { expect, test } from "vitest";
import { selectRanges } from "./ranges.ts";

const range = (first: number, last: number) => ({ first, last });

test.each([
  ["bytes=0-4", [range(0, 4)]],
  ["bytes=95-", [range(95, 99)]],
  ["bytes=-5", [range(95, 99)]],
  ["bytes=-500", [range(0, 99)]],
  ["bytes=90-500", [range(90, 99)]],
  ["Bytes=0-0", [range(0, 0)]],
  ["bytes=0-0, 10-19 ,\t-1", [range(0, 0), range(10, 19), range(99, 99)]],
  ["bytes=50-59,0-9", [range(50, 59), range(0, 9)]],
  ["bytes=0-9,5-14", [range(0, 14)]],
  ["bytes=0-9,10-19", [range(0, 19)]],
  ["bytes=0-9,20-29,5-25", [range(0, 29)]],
  ["bytes=0-9,200-300", [range(0, 9)]],
  ["bytes=0-99999999999999999999999", [range(0, 99)]],
  ["bytes=100-", "unsatisfiable"],
  ["bytes=99999999999999999999999-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=200-300,400-", "unsatisfiable"],
  ["bytes=5-4", "ignore"],
  ["bytes=", "ignore"],
  ["bytes=-", "ignore"],
  ["bytes=a-b", "ignore"],
  ["bytes=0-4,x", "ignore"],
  ["bytes=0 -4", "ignore"],
  ["lines=0-4", "ignore"],
  ["0-4", "ignore"],
  [`bytes=${Array.from({ length: 17 }, (_, i) => `${i * 3}-${i * 3}`).join(",")}`, "ignore"],
] as const)("%s of 100 bytes", (field, expected) => {
  expect(selectRanges(field, 100)).toEqual(expected);
});

test("an empty representation has no ranges", () => {
  expect(selectRanges("bytes=0-0", 0)).toBe("ignore");
});

test("the ranges are in bounds, do not touch, and cover exactly the requested bytes", () => {
  const bound = fc.nat({ max: 60 });
  fc.assert(
    fc.property(fc.array(fc.tuple(bound, bound), { minLength: 1, maxLength: 16 }), (pairs) => {
      const asked = pairs.map(([a, b]) => range(Math.min(a, b), Math.max(a, b)));
      const selected = selectRanges(`bytes=${asked.map(({ first, last }) => `${first}-${last}`).join(",")}`, 40);
      const covered = (ranges: readonly { first: number; last: number }[]) =>
        Array.from({ length: 40 }, (_, at) => ranges.filter(({ first, last }) => first <= at && at <= last).length);
      if (typeof selected === "string") {
        expect(selected).toBe("unsatisfiable");
        expect(covered(asked).every((times) => times === 0)).toBe(true);
        return;
      }
      expect(covered(selected)).toEqual(covered(asked).map((times) => Math.min(times, 1)));
      const sorted = selected.toSorted((a, b) => a.first - b.first);
      for (const [i, one] of sorted.slice(1).entries()) expect(one.first).toBeGreaterThan((sorted[i]?.last ?? 0) + 1);
    }),
  );
});
