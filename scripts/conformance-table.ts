/**
 * Runs the conformance kit against every server of the table on every runtime, and writes the scores and the tables of the documents:
 *
 *     node scripts/conformance-table.ts [server]
 *
 * It takes some ten minutes; with the name of a server, only its row is measured.
 */
import { writeFileSync } from "node:fs";
import { cases as all } from "@tsgi/gateway-spec/conformance";
import {
  documentsOf,
  measure,
  readScores,
  ROWS,
  type Score,
  type Scores,
  SCORES_FILE,
  versionOf,
} from "./lib/conformance-scores.ts";
import { installRuntimes } from "./lib/runtimes.ts";

await installRuntimes();
const only = process.argv[2];
const cases = all.map(({ name }) => name);
const servers: Record<string, Record<string, Score>> = {};
for (const [server, , runtimes] of ROWS) {
  const row: Record<string, Score> = {};
  servers[server] = row;
  for (const runtime of runtimes) {
    const known = only === undefined || only === server ? undefined : readScores().servers[server]?.[runtime];
    row[runtime] = known ?? { version: versionOf(runtime) ?? "", ...(await measure(server, runtime, cases)) };
    const { failed, skipped } = row[runtime];
    console.log(`${server} on ${runtime}: ${failed.length} failed, ${skipped.length} skipped of ${cases.length}`);
  }
}
const scores: Scores = { cases, servers };
writeFileSync(SCORES_FILE, `${JSON.stringify(scores, null, 2)}\n`);
for (const [path, text] of documentsOf(scores)) writeFileSync(path, text);
