/** The conformance table is that of the kit as it is now, and no score of our servers falls on Bun and Deno. */
import { readFileSync } from "node:fs";
import { cases } from "@tsgi/gateway-spec/conformance";
import { describe, expect, test } from "vitest";
import { documentsOf, measure, readScores, ROWS, versionOf } from "./lib/conformance-scores.ts";

const scores = readScores();
const MEASURE_AGAIN = "run node scripts/conformance-table.ts";

test("the scores are of the cases that the kit has", () => {
  expect(scores.cases, MEASURE_AGAIN).toEqual(cases.map(({ name }) => name));
});

test("the scores have every server on every runtime of the table", () => {
  for (const [server, , runtimes] of ROWS) expect(Object.keys(scores.servers[server] ?? {})).toEqual(runtimes);
});

test("the documents show the scores", () => {
  for (const [path, text] of documentsOf(scores)) expect(readFileSync(path, "utf8"), MEASURE_AGAIN).toBe(text);
});

/** On Node the tests of the server package run every case. */
const OURS = [
  ["socket", "bun"],
  ["node", "bun"],
  ["bun", "bun"],
  ["socket", "deno"],
  ["node", "deno"],
  ["deno", "deno"],
] as const;

describe.each(OURS)("the %s server on %s", (server, runtime) => {
  const score = scores.servers[server]?.[runtime];

  test.skipIf(versionOf(runtime) === null)("has the scores of the installed version", () => {
    expect(score?.version, MEASURE_AGAIN).toBe(versionOf(runtime));
  });

  test.skipIf(versionOf(runtime) === null)("passes every case that it has passed", { timeout: 300_000 }, async () => {
    const leaveOut = [...(score?.failed ?? []), ...(score?.skipped ?? [])];
    expect((await measure(server, runtime, scores.cases, leaveOut)).failed).toEqual([]);
  });
});
