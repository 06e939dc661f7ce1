/** What a connection's heads begin with may make reading the next one faster, and nothing else. */
import { array, assert, constantFrom, nat, property, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestError, Vocabulary } from "../src/http1/index.ts";
import { DEFAULT_HEAD_LIMITS, parseHead } from "../src/http1/head.ts";
import { RecurringLines } from "../src/http1/recurring-lines.ts";

const LINES = [
  "Host: a",
  "Host: b",
  "Host: a b",
  "Accept: text/html",
  "Accept: */*",
  "User-Agent: x",
  "Priority: u=1",
  "Connection: keep-alive",
  "Connection: close",
  "Connection: upgrade",
  "Upgrade: websocket",
  "Expect: 100-continue",
  "Content-Length: 3",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding:\tchunked",
  "Cookie: a=b",
  "Priority : a",
  "Priority: \x01",
];
const REQUEST_LINES = ["GET / HTTP/1.1", "POST /a?b HTTP/1.1", "GET http://c/ HTTP/1.1", "HEAD / HTTP/1.0"];

const textOf = (requestLine: string, lines: readonly string[]) => `${[requestLine, ...lines].join("\r\n")}\r\n`;

function reading(text: string, vocabulary: Vocabulary, recurring: RecurringLines | null): unknown {
  try {
    return parseHead(text, DEFAULT_HEAD_LIMITS, vocabulary, recurring);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error.code;
  }
}

describe("the lines that recur", () => {
  test("are read as they are where nothing is known of them", () => {
    const edit = tuple(constantFrom(...REQUEST_LINES), nat(), nat(1), constantFrom(...LINES));
    let recurred = 0;
    assert(
      property(
        array(constantFrom(...LINES.slice(3, 9)), { maxLength: 6 }),
        array(edit, { maxLength: 8 }),
        (usual, edits) => {
          const vocabulary = new Vocabulary();
          const recurring = new RecurringLines();
          const plain = textOf("GET / HTTP/1.1", ["Host: a", ...usual]);
          const changed = edits.map(([requestLine, place, removed, line]) =>
            textOf(requestLine, ["Host: a", ...usual].toSpliced(place % (usual.length + 2), removed, line)),
          );
          for (const text of [plain, plain, ...changed.flatMap((one) => [plain, one])]) {
            if (recurring.at(text, text.indexOf("\n") + 1) !== null) recurred++;
            const read = reading(text, vocabulary, recurring);
            expect(read, text).toEqual(reading(text, new Vocabulary(), null));
            if (typeof read === "string") break;
          }
        },
      ),
      { numRuns: 1000 },
    );
    expect(recurred).toBeGreaterThan(1000);
  });

  test("are those that the heads have in common, whatever follows them", () => {
    const vocabulary = new Vocabulary();
    const recurring = new RecurringLines();
    const read = (...lines: string[]) => {
      const text = textOf("GET / HTTP/1.1", ["Host: a", "User-Agent: x", "Priority: u=1", ...lines]);
      reading(text, vocabulary, recurring);
      return recurring.at(text, text.indexOf("\n") + 1)?.fields.length ?? 0;
    };
    expect(read("Accept: text/html")).toBe(0);
    expect(read("Accept: text/html", "Cookie: a")).toBe(8);
    expect(read("Accept: */*")).toBe(6);
    expect(read("Accept: text/html")).toBe(6);
  });

  test("hold neither credentials nor what frames a message", () => {
    const read = (...lines: string[]) => {
      const vocabulary = new Vocabulary();
      const recurring = new RecurringLines();
      const text = textOf("GET / HTTP/1.1", ["Host: a", "User-Agent: x", "Priority: u=1", ...lines]);
      for (let time = 0; time < 3; time++) reading(text, vocabulary, recurring);
      return recurring.at(text, text.indexOf("\n") + 1)?.text;
    };
    const usual = "Host: a\r\nUser-Agent: x\r\nPriority: u=1\r\n";
    expect(read()).toBe(usual);
    for (const line of [
      "Cookie: a=b",
      "X-Api-Key: a",
      "Content-Length: 3",
      "Transfer-Encoding: chunked",
      "Expect: 100-continue",
    ]) {
      expect(read(line), line).toBe(usual);
    }
  });
});
