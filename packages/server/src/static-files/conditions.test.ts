import { toHeaderView } from "@tsgi/gateway-spec/server-kit";
import { describe, expect, test } from "vitest";
import { evaluateConditions, rangeApplies, type Validators } from "./conditions.ts";

const BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT";
const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
const AFTER = "Sun, 06 Nov 1994 08:49:38 GMT";
const current: Validators = { etag: '"a,b"', lastModifiedSeconds: 784_111_777 };
const weak: Validators = { ...current, etag: 'W/"a,b"' };
const undated: Validators = { ...current, lastModifiedSeconds: null };

describe("conditions, in the order of RFC 9110 §13.2.2", () => {
  test.each([
    ["none", {}, "proceed"],
    ["If-Match, the tag", { "if-match": '"a,b"' }, "proceed"],
    ["If-Match, in a list", { "if-match": '"x", "a,b"' }, "proceed"],
    ["If-Match, any", { "if-match": "*" }, "proceed"],
    ["If-Match, another tag", { "if-match": '"x"' }, 412],
    ["If-Match compares strongly", { "if-match": 'W/"a,b"' }, 412],
    ["If-Match, half a tag", { "if-match": '"b"' }, 412],
    ["If-Unmodified-Since, same", { "if-unmodified-since": DATE }, "proceed"],
    ["If-Unmodified-Since, earlier", { "if-unmodified-since": BEFORE }, 412],
    ["If-Unmodified-Since, no date", { "if-unmodified-since": "yesterday" }, "proceed"],
    ["If-Match overrides If-Unmodified-Since", { "if-match": "*", "if-unmodified-since": BEFORE }, "proceed"],
    ["If-None-Match, the tag", { "if-none-match": '"a,b"' }, 304],
    ["If-None-Match compares weakly", { "if-none-match": 'W/"a,b"' }, 304],
    ["If-None-Match, in a list", { "if-none-match": '"x",W/"y" , "a,b"' }, 304],
    ["If-None-Match, any", { "if-none-match": "*" }, 304],
    ["If-None-Match, another tag", { "if-none-match": '"x"' }, "proceed"],
    ["If-Modified-Since, same", { "if-modified-since": DATE }, 304],
    ["If-Modified-Since, later", { "if-modified-since": AFTER }, 304],
    ["If-Modified-Since, earlier", { "if-modified-since": BEFORE }, "proceed"],
    ["If-Modified-Since, no date", { "if-modified-since": "now" }, "proceed"],
    ["If-None-Match overrides If-Modified-Since", { "if-none-match": '"x"', "if-modified-since": AFTER }, "proceed"],
    ["a failed If-Match precedes If-None-Match", { "if-match": '"x"', "if-none-match": '"a,b"' }, 412],
    ["after a true If-Match comes If-None-Match", { "if-match": '"a,b"', "if-none-match": '"a,b"' }, 304],
  ] as const)("%s", (_name, fields, outcome) => {
    expect(evaluateConditions(toHeaderView(fields), current)).toBe(outcome);
  });

  test("a weak tag matches If-None-Match, never If-Match", () => {
    expect(evaluateConditions(toHeaderView({ "if-match": 'W/"a,b"' }), weak)).toBe(412);
    expect(evaluateConditions(toHeaderView({ "if-none-match": '"a,b"' }), weak)).toBe(304);
  });
});

test.each([
  ["If-Unmodified-Since", { "if-unmodified-since": BEFORE }],
  ["If-Modified-Since", { "if-modified-since": AFTER }],
])("%s is ignored for a file without a date", (_name, fields) => {
  expect(evaluateConditions(toHeaderView(fields), undated)).toBe("proceed");
});

test.each([
  ["no condition", null, current, true],
  ["the tag", '"a,b"', current, true],
  ["another tag", '"x"', current, false],
  ["the weak tag", 'W/"a,b"', weak, false],
  ["the date, which other content may have too", DATE, current, false],
])("If-Range with %s", (_name, field, { etag }, applies) => {
  expect(rangeApplies(field, etag)).toBe(applies);
});
