import { expect, test } from "vitest";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";

const SECONDS = 784_111_777;

test.each([
  ["Sun, 06 Nov 1994 08:49:37 GMT", SECONDS],
  ["Sunday, 06-Nov-94 08:49:37 GMT", SECONDS],
  ["Sun Nov  6 08:49:37 1994", SECONDS],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["Sun, 06 Nov 1994 08:49:37 CET", null],
  ["Sun, 06 Foo 1994 08:49:37 GMT", null],
  ["1994-11-06T08:49:37Z", null],
  ["784111777", null],
  ["", null],
])("parses %s", (value, seconds) => {
  expect(parseHttpDate(value)).toBe(seconds);
});

test("takes two digits of a far future for the past", () => {
  const year = new Date().getUTCFullYear() + 60;
  const date = `Sunday, 06-Nov-${String(year % 100).padStart(2, "0")} 08:49:37 GMT`;
  expect(new Date((parseHttpDate(date) ?? 0) * 1000).getUTCFullYear()).toBe(year - 100);
});

test("formats what it parses", () => {
  expect(formatHttpDate(SECONDS)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
});
