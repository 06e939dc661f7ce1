/** The conformance table is that of the kit as it is now, and no score of our servers falls on Bun and Deno. */
import { readFileSync } from "node:fs";
import type { Protocol } from "@tsgi/gateway-spec/conformance";
import { describe, expect, test } from "vitest";
import { casesOver, documentsOf, measure, readScores, TABLES, versionOf } from "./lib/conformance-scores.ts";

const scores = readScores();
/** The cases pass, so none waits so long: on a busy machine an upload of 12 MiB takes longer than five seconds. */
const DEADLINE_MS = 60_000;
const MEASURE_AGAIN = "run node scripts/conformance-table.ts";

describe.each<Protocol>(["http/1.1", "h2"])("over %s", (protocol) => {
  test("the scores are of the cases that the kit has", () => {
    expect(scores[protocol].cases, MEASURE_AGAIN).toEqual(casesOver(protocol));
  });

  test("the scores have every server on every runtime of the table", () => {
    const { servers } = scores[protocol];
    for (const [server, , runtimes] of TABLES[protocol]) expect(Object.keys(servers[server] ?? {})).toEqual(runtimes);
  });
});

test("the documents show the scores", () => {
  for (const [path, text] of documentsOf(scores)) expect(readFileSync(path, "utf8"), MEASURE_AGAIN).toBe(text);
});

/** On Node the tests of the server package run every case. */
const OURS: readonly (readonly [server: string, runtime: string, protocol: Protocol])[] = [
  ["socket", "bun", "http/1.1"],
  ["node", "bun", "http/1.1"],
  ["bun", "bun", "http/1.1"],
  ["socket", "deno", "http/1.1"],
  ["node", "deno", "http/1.1"],
  ["deno", "deno", "http/1.1"],
  ["node", "bun", "h2"],
  ["node", "deno", "h2"],
  ["deno", "deno", "h2"],
];

describe.each(OURS)("the %s server on %s over %s", (server, runtime, protocol) => {
  const score = scores[protocol].servers[server]?.[runtime];

  test.skipIf(versionOf(runtime) === null)("has the scores of the installed version", () => {
    expect(score?.version, MEASURE_AGAIN).toBe(versionOf(runtime));
  });

  test.skipIf(versionOf(runtime) === null)("passes every case that it has passed", { timeout: 300_000 }, async () => {
    const leaveOut = [...(score?.failed ?? []), ...(score?.skipped ?? [])];
    expect((await measure(server, runtime, protocol, leaveOut, DEADLINE_MS)).failed).toEqual([]);
  });
});
