import { expect, test } from "vitest";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";

const SECONDS = 784_111_777;

test.each([
  ["Sun, 06 Nov 1994 08:49:37 GMT", SECONDS],
  ["Sunday, 06-Nov-94 08:49:37 GMT", SECONDS],
  ["Sun Nov  6 08:49:37 1994", SECONDS],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799],
  ["Tuesday, 29-Feb-00 23:59:59 GMT", 951_868_799],
  ["Tue Feb 29 23:59:59 2000", 951_868_799],
  ["Fri Nov 06 08:49:37 1970", 26_729_377],
  ["Sun, 06 Nov 1994 08:49:37 CET", null],
  ["Sun, 06 Nov 1994 08:49:37 +0000", null],
  ["Sun, 06 Nov 1994 08:49:37 GMT ", null],
  ["Sun, 6 Nov 1994 08:49:37 GMT", null],
  ["Sun, 06 Nov 94 08:49:37 GMT", null],
  ["Sun, 06 NOV 1994 08:49:37 GMT", null],
  ["sun, 06 Nov 1994 08:49:37 GMT", null],
  ["Mon, 06 Nov 1994 08:49:37 GMT", null],
  ["Xyz, 06 Nov 1994 08:49:37 GMT", null],
  ["Mon, 31 Feb 2000 00:00:00 GMT", null],
  ["Sun, 00 Nov 1994 08:49:37 GMT", null],
  ["Sun, 06 Nov 1994 24:00:00 GMT", null],
  ["Sun, 06 Nov 1994 08:60:37 GMT", null],
  ["Sunsday, 06-Nov-94 08:49:37 GMT", null],
  ["Monday, 06-Nov-94 08:49:37 GMT", null],
  ["Sun Nov 6 08:49:37 1994", null],
  ["Sun Nov  6 08:49:37 94", null],
  ["Sun Nov  6 08:49:37 1994 GMT", null],
  ["Sun, 06 Foo 1994 08:49:37 GMT", null],
  ["1994-11-06T08:49:37Z", null],
  ["784111777", null],
  ["", null],
])("parses %s", (value, seconds) => {
  expect(parseHttpDate(value)).toBe(seconds);
});

test("reads a year of two digits more than 50 years ahead as one in the past", () => {
  const date = new Date(Date.UTC(new Date().getUTCFullYear() + 60 - 100, 10, 6, 8, 49, 37));
  const weekday = date.toLocaleDateString("en", { weekday: "long", timeZone: "UTC" });
  const year = String(date.getUTCFullYear() % 100).padStart(2, "0");
  expect(parseHttpDate(`${weekday}, 06-Nov-${year} 08:49:37 GMT`)).toBe(date.getTime() / 1000);
});

test("formats an IMF-fixdate", () => {
  expect(formatHttpDate(SECONDS)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
});
