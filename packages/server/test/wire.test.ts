import { describe, expect, test } from "vitest";
import { asExpected, transcript, WIRE_CASES } from "./wire-cases.ts";

const NEXT = Buffer.from("GET /next HTTP/1.1\r\nHost: next\r\n\r\n");
const NEXT_LINE = "request GET /next 1.1 none";

describe.each([...Map.groupBy(WIRE_CASES, (wireCase) => wireCase.file)])("%s", (_file, cases) => {
  test.each(cases)("$name", ({ bytes, expected }) => {
    const whole = transcript([bytes]);
    expect(asExpected(whole, expected)).toEqual(expected);

    const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect(transcript(single)).toEqual(whole);

    // A long case is split at a few hundred positions only.
    const stride = Math.ceil(bytes.length / 500);
    for (let cut = 1; cut < bytes.length; cut += stride) {
      expect(transcript([bytes.subarray(0, cut), bytes.subarray(cut)]), `cut at ${cut}`).toEqual(whole);
    }

    const last = expected.findLast((line) => !line.startsWith("field ")) ?? "";
    const refused = last.startsWith("refused");
    const isWhole = last.startsWith("end") || /^request \S+ \S+ \S+ none(?! close)/.test(last);
    if (refused || isWhole) {
      const followed = asExpected(transcript([Buffer.concat([bytes, NEXT])]), expected);
      expect(followed).toEqual(refused ? expected : [...expected, NEXT_LINE]);
    }
  });
});

test("the same head is understood the same with and without the fast path", () => {
  for (const { bytes, expected } of WIRE_CASES) {
    if (expected.some((line) => line.startsWith("refused")) || expected.length !== 1) continue;
    const [once] = transcript([bytes]);
    expect(transcript([Buffer.concat([bytes, bytes, bytes])])).toEqual([once, once, once]);
    expect(transcript([bytes, bytes, bytes])).toEqual([once, once, once]);
  }
});
