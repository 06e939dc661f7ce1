import { toHeaderView } from "@tsgi/gateway-spec/server-kit";
import { describe, expect, test } from "vitest";
import { evaluateConditions, rangeApplies, type Validators } from "./conditions.ts";

const BEFORE = "Sun, 06 Nov 1994 08:49:36 GMT";
const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";
const AFTER = "Sun, 06 Nov 1994 08:49:38 GMT";
const current: Validators = { etag: '"a,b"', lastModified: DATE, lastModifiedSeconds: 784_111_777, strong: true };
const weak: Validators = { ...current, etag: 'W/"a,b"', strong: false };

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
    ["If-Match makes If-Unmodified-Since void", { "if-match": "*", "if-unmodified-since": BEFORE }, "proceed"],
    ["If-None-Match, the tag", { "if-none-match": '"a,b"' }, 304],
    ["If-None-Match compares weakly", { "if-none-match": 'W/"a,b"' }, 304],
    ["If-None-Match, in a list", { "if-none-match": '"x",W/"y" , "a,b"' }, 304],
    ["If-None-Match, any", { "if-none-match": "*" }, 304],
    ["If-None-Match, another tag", { "if-none-match": '"x"' }, "proceed"],
    ["If-Modified-Since, same", { "if-modified-since": DATE }, 304],
    ["If-Modified-Since, later", { "if-modified-since": AFTER }, 304],
    ["If-Modified-Since, earlier", { "if-modified-since": BEFORE }, "proceed"],
    ["If-Modified-Since, no date", { "if-modified-since": "now" }, "proceed"],
    ["If-None-Match makes If-Modified-Since void", { "if-none-match": '"x"', "if-modified-since": AFTER }, "proceed"],
    ["a failed If-Match comes before If-None-Match", { "if-match": '"x"', "if-none-match": '"a,b"' }, 412],
    ["a true If-Match goes on to If-None-Match", { "if-match": '"a,b"', "if-none-match": '"a,b"' }, 304],
  ] as const)("%s", (_name, fields, outcome) => {
    expect(evaluateConditions(toHeaderView(fields), current)).toBe(outcome);
  });

  test("a weak tag never satisfies If-Match, but does If-None-Match", () => {
    expect(evaluateConditions(toHeaderView({ "if-match": 'W/"a,b"' }), weak)).toBe(412);
    expect(evaluateConditions(toHeaderView({ "if-none-match": '"a,b"' }), weak)).toBe(304);
  });
});

test.each([
  ["no condition", null, current, true],
  ["the tag", '"a,b"', current, true],
  ["the date", DATE, current, true],
  ["another tag", '"x"', current, false],
  ["a later date", AFTER, current, false],
  ["the weak tag", 'W/"a,b"', weak, false],
  ["the date of what may still change", DATE, weak, false],
])("If-Range with %s", (_name, field, validators, applies) => {
  expect(rangeApplies(field, validators)).toBe(applies);
});
