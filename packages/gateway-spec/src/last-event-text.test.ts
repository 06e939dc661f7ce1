import { expect, test, vi } from "vitest";
import { textOfLast } from "./last-event-text.ts";

test("the text of equal data is made once, and that of other or long data each time", () => {
  const format = vi.fn((data: string) => `data: ${data}\n\n`);
  const long = "x".repeat(4097);
  const given = ["", "a", "a", "b", "a", long, long, "a"];
  expect(given.map((data) => textOfLast(data, format))).toEqual(given.map((data) => `data: ${data}\n\n`));
  expect(format.mock.calls.flat()).toEqual(["", "a", "b", "a", long, long]);
});
