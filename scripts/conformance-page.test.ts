/** docs/conformance.md is that of the cases as they are now, and each case explains itself. */
import { readFileSync } from "node:fs";
import { cases } from "@tsgi/gateway-spec/conformance";
import { expect, test } from "vitest";
import { conformancePage, PAGE } from "./lib/conformance-page.ts";

test("docs/conformance.md shows the cases of the kit", () => {
  expect(readFileSync(PAGE, "utf8"), "run node scripts/conformance-page.ts").toBe(conformancePage());
});

test("the page has each case once", () => {
  const headings = [...conformancePage().matchAll(/^### (.+)$/gm)].map(([, name]) => name);
  expect(headings).toHaveLength(cases.length);
  expect(new Set(headings)).toEqual(new Set(cases.map(({ name }) => name)));
});

test("what a case sends and expects are sentences, and its source names a section of an RFC", () => {
  for (const { name, sends, expects, source } of cases) {
    for (const text of [sends, expects]) expect(text, name).toMatch(/^[A-Z`\d].*\.$/s);
    if (source !== undefined) expect(source, name).toMatch(/^RFC \d{4} §\d+(?:\.\d+)*: .+\.$/);
  }
});
