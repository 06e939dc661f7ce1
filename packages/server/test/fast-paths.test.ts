/** Where a fast path of the codec could take one thing for another that it has seen before. */
import { describe, expect, test } from "vitest";
import { HeadWriter } from "../src/http1/index.ts";
import { transcript } from "./wire-cases.ts";

describe("a head that stands several times in one read", () => {
  const head = (fields: string) => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`;
  const other = "GET /other HTTP/1.1\r\nHost: a\r\n\r\n";

  test("is content where it is content", () => {
    const length = head("Content-Length: 100\r\nX: ").length;
    const repeated = head(`Content-Length: 100\r\nX: ${"x".repeat(100 - length)}`);
    expect(repeated).toHaveLength(100);
    expect(transcript([Buffer.from(repeated.repeat(6) + other)]).map((line) => line.split("\n")[0])).toEqual([
      "request POST / 1.1 100",
      `data ${repeated.split("\r\n")[0]}\r`,
      "end",
      "request POST / 1.1 100",
      `data ${repeated.split("\r\n")[0]}\r`,
      "end",
      "request POST / 1.1 100",
      `data ${repeated.split("\r\n")[0]}\r`,
      "end",
      "request GET /other 1.1 none",
    ]);
  });

  test.each([1, 2, 3, 4, 5, 9])("%i times, is followed by what follows it", (times) => {
    const repeated = head("X: y");
    for (const next of [other, repeated.replace("X: y", "X: z"), repeated.slice(0, -2), "\r\n", "bad\r\n\r\n"]) {
      const bytes = Buffer.from(repeated.repeat(times) + next);
      const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
      expect(transcript([bytes])).toEqual(transcript(single));
    }
  });

  test("is not taken for one whose end is another", () => {
    const bytes = Buffer.from(`${head("X: y").repeat(8)}${head("Content-Length: 1")}x${head("X: y")}`);
    const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect(transcript([bytes])).toEqual(transcript(single));
  });
});

describe("a response that says what the last one said", () => {
  const DATE = "Date: x\r\n";
  const LENGTH = "Content-Length: 1\r\n";

  test("is not one from before the last", () => {
    const writer = new HeadWriter();
    writer.begin(200, { a: "1" });
    writer.withContent(writer.end(DATE, LENGTH, ""), "x");
    writer.begin(201, { b: "2" });
    writer.end(DATE, LENGTH, "");
    writer.begin(201, { b: "2" });
    expect(writer.again("x", DATE, "")).toBeNull();
  });

  test.each<[string, [content: string, date: string, connection: string], boolean]>([
    ["is the same", ["x", DATE, ""], true],
    ["is another with another content", ["y", DATE, ""], false],
    ["is another at another time", ["x", "Date: y\r\n", ""], false],
    ["is another where the connection ends", ["x", DATE, "Connection: close\r\n"], false],
  ])("%s", (_what, parts, same) => {
    const writer = new HeadWriter();
    writer.begin(200, { a: "1" });
    const text = writer.withContent(writer.end(DATE, LENGTH, ""), "x");
    writer.begin(200, { a: "1" });
    expect(writer.again(...parts)).toBe(same ? text : null);
    expect(writer.again(...parts)).toBe(same ? text : null);
  });

  test("is not asked for where its fields cannot be compared", () => {
    const writer = new HeadWriter();
    for (const fields of [[["a", "1"]] as const, { a: ["1"] }]) {
      writer.begin(200, fields);
      writer.withContent(writer.end(DATE, LENGTH, ""), "x");
      writer.begin(200, fields);
      expect(writer.again("x", DATE, "")).toBeNull();
    }
  });
});
