/**
 * Runs the conformance kit against every server of the table on every runtime, and writes the scores and the tables of the documents:
 *
 *     node scripts/conformance-table.ts [server]
 *
 * It takes some ten minutes; with the name of a server, only its row is measured.
 */
import { writeFileSync } from "node:fs";
import type { Protocol } from "@tsgi/gateway-spec/conformance";
import {
  casesOver,
  documentsOf,
  measure,
  readScores,
  type Score,
  SCORES_FILE,
  type Table,
  TABLES,
  versionOf,
} from "./lib/conformance-scores.ts";
import { installRuntimes } from "./lib/runtimes.ts";

await installRuntimes();
const only = process.argv[2];

async function measureTable(protocol: Protocol): Promise<Table> {
  const cases = casesOver(protocol);
  const servers: Record<string, Record<string, Score>> = {};
  for (const [server, , runtimes] of TABLES[protocol]) {
    const row: Record<string, Score> = {};
    servers[server] = row;
    for (const runtime of runtimes) {
      const known =
        only === undefined || only === server ? undefined : readScores()[protocol].servers[server]?.[runtime];
      row[runtime] = known ?? { version: versionOf(runtime) ?? "", ...(await measure(server, runtime, protocol)) };
      const { failed, skipped } = row[runtime];
      const counts = `${failed.length} failed, ${skipped.length} skipped of ${cases.length}`;
      console.log(`${server} on ${runtime} over ${protocol}: ${counts}`);
    }
  }
  return { cases, servers };
}

const scores = { "http/1.1": await measureTable("http/1.1"), h2: await measureTable("h2") };
writeFileSync(SCORES_FILE, `${JSON.stringify(scores, null, 2)}\n`);
for (const [path, text] of documentsOf(scores)) writeFileSync(path, text);
