/** What a vocabulary remembers may make reading a head faster, and nothing else. */
import { assert, constantFrom, nat, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestParser, Vocabulary } from "../src/http1/index.ts";
import { transcript, WIRE_CASES } from "./wire-cases.ts";

const parsed = (bytes: Buffer, vocabulary: Vocabulary) => transcript([bytes], new RequestParser(undefined, vocabulary));
const line = (vocabulary: Vocabulary, text: string) => vocabulary.line(text, 0, text.length);

/** One that has read every wire case, some of them often. */
function experienced(): Vocabulary {
  const vocabulary = new Vocabulary();
  for (let time = 0; time < 20; time++) for (const { bytes } of WIRE_CASES) parsed(bytes, vocabulary);
  return vocabulary;
}

describe("a vocabulary", () => {
  test("that has read every wire case before reads them as a new one does", () => {
    const vocabulary = experienced();
    for (const { bytes, name } of WIRE_CASES) {
      expect(parsed(bytes, vocabulary), name).toEqual(parsed(bytes, new Vocabulary()));
    }
  });

  test("that knows a head's lines reads it as a new one does where a byte of it is another", () => {
    const vocabulary = experienced();
    assert(
      property(
        constantFrom(...WIRE_CASES.filter(({ bytes }) => bytes.length < 1000)),
        nat(),
        constantFrom(0, 9, 10, 13, 32, 44, 58, 65, 97, 127, 128, 255),
        ({ bytes }, place, byte) => {
          const damaged = Buffer.from(bytes);
          damaged[place % damaged.length] = byte;
          expect(parsed(damaged, vocabulary)).toEqual(parsed(damaged, new Vocabulary()));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("gives the same line for the same bytes", () => {
    const vocabulary = new Vocabulary();
    const first = line(vocabulary, "Accept: text/html\r\n");
    expect(first).toMatchObject({ name: "accept", value: "text/html" });
    expect(line(vocabulary, "Accept: text/html\r\n")).toBe(first);
    expect(line(vocabulary, "accept: text/html\r\n")).not.toBe(first);
  });

  test.each(["Cookie: session=1", "COOKIE: session=1", "Authorization: Basic eA==", "Proxy-Authorization: Basic eA=="])(
    "does not remember credentials: %s",
    (text) => {
      const vocabulary = new Vocabulary();
      for (let time = 0; time < 20; time++) expect(line(vocabulary, `${text}\r\n`)?.text).toBe("");
    },
  );

  test("remembers no line that is long, nor one with a name that is, nor more names than it has room for", () => {
    const vocabulary = new Vocabulary();
    expect(line(vocabulary, `Accept: ${"a".repeat(1000)}\r\n`)?.text).toBe("");
    expect(line(vocabulary, `${"a".repeat(100)}: a\r\n`)?.text).toBe("");
    for (let i = 0; i < 1000; i++) line(vocabulary, `X-${i}: a\r\n`);
    expect(line(vocabulary, "X-Last: a\r\n")).toMatchObject({ name: "x-last", value: "a", text: "" });
  });
});
