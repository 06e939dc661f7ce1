import { expect, test } from "vitest";

import { findDialect } from "./prose.ts";

test.each([
  ["// That is read for nobody.", "nobody"],
  ['throw new Error("Nobody reads it");', "Nobody"],
  [" * Who waits for the response.", "Who"],
  ["| told of | the client |", "told"],
  ["const answered = true;", "answered"],
  ["`the 500 that is cut off`", "cut off"],
])("findDialect reports %j", (line, word) => {
  expect(findDialect(`first line\n${line}`)).toEqual([{ line: 2, word, instead: expect.any(String) as unknown }]);
});

test.each([
  ["a client who waits", "a relative pronoun is plain English"],
  ["const nobodyHome = cutOffFrequency;", "a listed word inside of an identifier is another word"],
  ["LINT_BREACH", "an error code is one word"],
  ["CrowdStrike", "a proper name is one word"],
])("findDialect accepts %j: %s", (line) => {
  expect(findDialect(line)).toEqual([]);
});

test("findDialect reports each use in a line", () => {
  expect(findDialect("nobody answers nobody").map(({ word }) => word)).toEqual(["nobody", "nobody", "answers"]);
});
