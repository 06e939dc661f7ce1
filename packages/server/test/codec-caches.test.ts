/** The caches of `src/http1/cache/` may make the codec faster and must not change anything else. */
import { array, assert, constantFrom, nat, property, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { HeaderPrefixCache } from "../src/http1/cache/header-prefix-cache.ts";
import { LastHeadCache } from "../src/http1/cache/last-head-cache.ts";
import { type ParserCaches, RequestParser } from "../src/http1/index.ts";
import { transcript, WIRE_CASES } from "./wire-cases.ts";

const withCaches = (): ParserCaches => ({ prefixes: new HeaderPrefixCache(), heads: new LastHeadCache() });

/** What a parser makes of whole reads, one after the other. */
const read = (reads: readonly Buffer[], createCaches?: () => ParserCaches) =>
  transcript(reads, new RequestParser(undefined, createCaches));

describe("a parser with caches", () => {
  const accepted = WIRE_CASES.filter(
    ({ bytes, expected }) => bytes.length < 1000 && /^end|none/.test(expected.at(-1) ?? ""),
  );

  test.each(WIRE_CASES.filter(({ bytes }) => bytes.length < 1000))(
    "reads a wire case as a parser without them does, at first and again: $file: $name",
    ({ bytes }) => {
      const reads = [bytes, bytes, bytes, Buffer.concat([bytes, bytes, bytes, bytes, bytes])];
      expect(read(reads, withCaches)).toEqual(read(reads));
    },
  );

  test("reads repeated requests in which one byte differs as a parser without them does", () => {
    assert(
      property(
        constantFrom(...accepted),
        nat(8),
        nat(),
        constantFrom(0, 9, 10, 13, 32, 44, 58, 65, 97, 127, 128, 255),
        nat(),
        ({ bytes }, times, place, byte, cut) => {
          const repeated = Buffer.concat(Array.from({ length: times + 2 }, () => bytes));
          repeated[place % repeated.length] = byte;
          const at = cut % repeated.length;
          for (const reads of [
            [repeated],
            [bytes, bytes, repeated],
            [repeated.subarray(0, at), repeated.subarray(at)],
          ]) {
            expect(read(reads, withCaches)).toEqual(read(reads));
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  test("reads on after trim(), which drops nothing of a head that has begun", () => {
    const bytes = Buffer.from("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
    const heads = (trims: boolean) => {
      const parser = new RequestParser(undefined, withCaches);
      let count = 0;
      for (const byte of bytes) {
        parser.push(Buffer.of(byte));
        while (parser.next() !== null) count++;
        if (trims) parser.trim();
      }
      return count;
    };
    expect([heads(true), heads(false)]).toEqual([3, 3]);
  });

  test("accepts one empty line before each of the repeated heads, and refuses two, wherever the bytes are cut", () => {
    const head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const text of [head, `\r\n${head}`, head + `\r\n${head}`.repeat(3), `${head}\r\n\r\n${head}`]) {
      const bytes = Buffer.from(text.repeat(3));
      for (let first = 0; first < bytes.length; first++) {
        const reads = [bytes.subarray(0, first), bytes.subarray(first, first + 2), bytes.subarray(first + 2)];
        expect(read(reads, withCaches), `cut at ${first}`).toEqual(read(reads));
      }
    }
  });

  test("reads heads whose lines change as a parser without them does", () => {
    const lines = ["Accept: text/html", "Accept: */*", "User-Agent: x", "Connection: close", "Connection: keep-alive"];
    const others = [
      "Host: b",
      "Host: a b",
      "Connection: upgrade",
      "Upgrade: websocket",
      "Expect: 100-continue",
      "Content-Length: 0",
      "Transfer-Encoding: chunked",
      "Cookie: a=b",
      "A : b",
      "A: \x01",
      "A",
    ];
    const requestLines = ["GET / HTTP/1.1", "POST /a?b HTTP/1.1", "GET http://c/ HTTP/1.1", "HEAD / HTTP/1.0"];
    const edit = tuple(constantFrom(...requestLines), nat(), nat(1), constantFrom(...lines, ...others));
    assert(
      property(array(constantFrom(...lines), { maxLength: 6 }), array(edit, { maxLength: 8 }), (usual, edits) => {
        const fields = ["Host: a", ...usual];
        const head = (requestLine: string, fieldLines: readonly string[]) =>
          Buffer.from(`${[requestLine, ...fieldLines].join("\r\n")}\r\n\r\n`, "latin1");
        const plain = head("GET / HTTP/1.1", fields);
        const reads = edits.flatMap(([requestLine, place, removed, line]) => [
          plain,
          plain,
          head(requestLine, fields.toSpliced(place % (fields.length + 1), removed, line)),
        ]);
        expect(read(reads, withCaches)).toEqual(read(reads));
      }),
      { numRuns: 1000 },
    );
  });

  test("refuses a known prefix that goes beyond maxHeadBytes as a parser without them does", () => {
    const limits = { maxHeadBytes: 120, maxTargetBytes: 100, maxFields: 10 };
    const head = (target: string) =>
      Buffer.from(`GET ${target} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nUser-Agent: x\r\nTE: x\r\n\r\n`);
    for (let length = 1; length < 90; length++) {
      const reads = [head("/"), head("/"), head(`/${"a".repeat(length)}`)];
      expect(transcript(reads, new RequestParser(limits, withCaches))).toEqual(
        transcript(reads, new RequestParser(limits)),
      );
    }
  });
});
