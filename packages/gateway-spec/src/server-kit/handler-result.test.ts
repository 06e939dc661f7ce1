import { expect, test } from "vitest";
import { checkInformationalStatus, checkResponse, checkStatus, isPromiseLike } from "./handler-result.ts";

test.each([
  [
    undefined,
    'returned undefined. It must return a response, such as { status: 200, body: "text" }; is a return missing?',
  ],
  [null, "returned null."],
  ["hello", 'returned the string "hello".'],
  [42, "returned the number 42."],
  [[], "returned an array without a status."],
  [{ body: "x" }, "returned an object without a status."],
  [new Date(0), "returned an object of class Date without a status."],
  [() => ({ status: 200 }), "returned a function."],
])("the result %j is named beside the request it came from", (result, message) => {
  expect(() => {
    checkResponse(result, "GET", "/a");
  }).toThrow(`The handler of GET /a ${message}`);
});

test("a status that is no final one is named", () => {
  checkStatus(204);
  for (const [status, message] of [
    [100, "not the number 100"],
    [600, "not the number 600"],
    [200.5, "not the number 200.5"],
    ["200", 'not the string "200"'],
    [undefined, "not undefined"],
    [101, "only where upgradeWebSocket was called"],
  ] as const) {
    expect(() => {
      checkStatus(status);
    }).toThrow(message);
  }
});

test("an informational status is one that the application may send", () => {
  checkInformationalStatus(103);
  for (const status of [100, 101, 200, "103"]) {
    expect(() => {
      checkInformationalStatus(status);
    }).toThrow("from 102 to 199");
  }
});

test.each([
  [Promise.resolve(), true],
  [thenable({}), true],
  [thenable(() => undefined), true],
  [null, false],
  ["then", false],
])("%o is awaited: %s", (value, expected) => {
  expect(isPromiseLike(value)).toBe(expected);
});

function thenable(object: object): object {
  // oxlint-disable-next-line unicorn/no-thenable -- it is what the test is about
  return Object.defineProperty(object, "then", { value: () => undefined });
}
