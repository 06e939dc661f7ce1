import { describe, expect, test } from "vitest";
import type { HeaderFields } from "../index.ts";
import { eachField, informationalLines, parseContentLength, trailerLines } from "./fields.ts";

const lines = (fields: unknown) => {
  const all: string[] = [];
  eachField(fields as HeaderFields, (name, value) => void all.push(`${name}: ${value}`));
  return all;
};

describe("header fields to send", () => {
  test.each<[string, HeaderFields]>([
    ["a record", { "set-cookie": ["a=1", "b=2"], vary: "Accept" }],
    [
      "pairs",
      [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["vary", "Accept"],
      ],
    ],
  ])("are read from %s in order", (_shape, fields) => {
    expect(lines(fields)).toEqual(["set-cookie: a=1", "set-cookie: b=2", "vary: Accept"]);
  });

  test.each([
    [{ "content-length": 5 }, 'The value of the field "content-length" must be a string, not the number 5'],
    [{ "x-none": null }, 'The value of the field "x-none" must be a string, not null'],
    [{ "x-list": ["a", 1] }, 'The value of the field "x-list" must be a string, not the number 1'],
    [[["x-a", 1]], 'The value of the field "x-a" must be a string, not the number 1'],
    [[["x-a"]], 'The value of the field "x-a" must be a string, not undefined'],
    [["content-type", "text/plain"], 'an item is the string "content-type"'],
    [[[1, "a"]], "an item is an array"],
  ])("%j are refused with a message that names the field", (fields, message) => {
    expect(() => lines(fields)).toThrow(message);
  });
});

test("a trailer section has no fields of framing, and only fields that may be sent", () => {
  expect(trailerLines({ "x-sum": "1" })).toEqual(["x-sum", "1"]);
  expect(() => trailerLines({ "Content-Length": "1" })).toThrow("Content-Length may not be sent in a trailer section");
  expect(() => trailerLines({ "x y": "1" })).toThrow('"x y" is not a field name');
  expect(() => trailerLines({ "x-sum": "1\r\n" })).toThrow("The value of x-sum has a forbidden character");
});

test("an informational response drops fields of framing and of the connection", () => {
  expect(informationalLines({ link: "</a>", "Content-Length": "1", Connection: "close" })).toEqual(["link", "</a>"]);
});

test.each(["", "-1", "1.5", "0x10", "1e3", " 1", "9".repeat(16)])("%j is no content length", (value) => {
  expect(() => parseContentLength(value)).toThrow("Content-Length must be digits");
});
