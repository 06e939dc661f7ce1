import { expect, test } from "vitest";
import { seeded } from "./clients.ts";

test("a seed gives the same numbers each time, from 0 to below 1, and another seed gives others", () => {
  const list = (seed: number) => {
    const random = seeded(seed);
    return Array.from({ length: 1000 }, () => random());
  };
  expect(list(7)).toEqual(list(7));
  expect(list(8)).not.toEqual(list(7));
  expect(list(7).every((number) => number >= 0 && number < 1)).toBe(true);
  expect(Math.abs(list(7).reduce((sum, number) => sum + number, 0) / 1000 - 0.5)).toBeLessThan(0.05);
});
