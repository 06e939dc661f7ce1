/**
 * Serves the demo for a long time under a bounded load, and says whether memory, descriptors and counters stay flat.
 *
 *     node bench/soak.ts [--minutes 60] [--workers 2] [--database mysql://…] [--seed N]
 *
 * A row is a tenth of the time, at most a minute. Ctrl-C ends it with the verdict so far. It exits with 1 where the verdict is bad.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Clients, seeded } from "./endurance/clients.ts";
import { Site } from "./endurance/site.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    workers: { type: "string", default: "2" },
    database: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const totalMs = Number(values.minutes) * 60_000;
const rowMs = Math.min(totalMs / 10, 60_000);

/** The resident size of a process rises in steps, and varies with the collector. */
const TOLERATED_GROWTH = 1.15;
const TOLERATED_BYTES = 8 * 2 ** 20;
/** The connection by which this program reads the metrics may be open or not. */
const TOLERATED_DESCRIPTORS = 1;
/** From the end of the load until the connections of its clients must be closed. */
const SETTLE_MS = 60_000;

interface Row {
  readonly minute: number;
  readonly responses: number;
  readonly residentBytes: readonly number[];
  readonly descriptors: number;
  readonly connections: number;
  readonly active: number;
  readonly failures: number;
}

let startedAt = performance.now();
type Open = Pick<Row, "descriptors" | "connections" | "active">;

const stopped = new AbortController();
process.once("SIGINT", () => {
  stopped.abort();
});

await using site = await Site.start(Number(values.workers), values.database ?? null);
console.log(`soak: ${values.minutes} minutes, ${values.workers} workers, seed ${values.seed}, pid ${site.pids[0]}\n`);
// Both workers open their files and load their code before the first sample.
const warmUp = new Clients(site.origin, seeded(0));
await delay(Math.min(rowMs, 10_000));
await warmUp.stop();
const before = await settled({ descriptors: Number.POSITIVE_INFINITY, connections: 0, active: 0 }, 0, 0);
startedAt = performance.now();
const clients = new Clients(site.origin, seeded(Number(values.seed)));
console.log(
  "| minute | responses | resident MB: supervisor, workers | descriptors | connections | active requests | failures |",
);
console.log("|---:|---:|---|---:|---:|---:|---:|");
const rows: Row[] = [];
while (!stopped.signal.aborted && performance.now() - startedAt < totalMs) {
  await delay(rowMs, undefined, { signal: stopped.signal }).catch(() => undefined);
  const row = await sample(clients.responses, clients.failures.length);
  rows.push(row);
  print(row);
}
await clients.stop();
const after = await settled(before, clients.responses, clients.failures.length);
print(after);
const problems = [...judge(rows), ...leaks(before, after)];
const code = await site.stop();
if (code !== 0) problems.push(`the command ended with exit code ${code}`);
if (site.deaths > 0) problems.push(`${site.deaths} workers died`);
for (const { what, atMs } of clients.failures.slice(0, 10)) console.log(`${(atMs / 1000).toFixed(1)} s ${what}`);
for (const line of site.errors.slice(0, 10)) console.log(`stderr: ${line}`);
console.log(problems.length === 0 ? "\nsoak: flat" : `\nsoak: NOT flat\n- ${problems.join("\n- ")}`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Waits until the connections of the clients are closed. */
async function settled(before: Open, responses: number, failures: number): Promise<Row> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const row = await sample(responses, failures);
    if (leaks(before, row).length === 0 || performance.now() > deadline) return row;
    await delay(1000);
  }
}

async function sample(responses: number, failures = 0): Promise<Row> {
  const samples = site.samples();
  return {
    minute: (performance.now() - startedAt) / 60_000,
    responses,
    residentBytes: samples.map(({ residentBytes }) => residentBytes),
    descriptors: samples.reduce((sum, { descriptors }) => sum + descriptors, 0),
    connections: await site.metric("tsgi_open_connections"),
    active: await site.metric("http_server_active_requests"),
    failures,
  };
}

function print({ minute, responses, residentBytes, descriptors, connections, active, failures }: Row): void {
  const megabytes = residentBytes.map((bytes) => (bytes / 2 ** 20).toFixed(0)).join(", ");
  console.log(
    `| ${minute.toFixed(1)} | ${responses} | ${megabytes} | ${descriptors} | ${connections} | ${active} | ${failures} |`,
  );
}

/** The last third beside the middle one: the first one warms up. */
function judge(rows: readonly Row[]): string[] {
  const third = Math.floor(rows.length / 3);
  if (third === 0) return ["fewer than three rows: too short for a verdict"];
  const sizes = (part: readonly Row[]) =>
    median(part.map(({ residentBytes }) => residentBytes.reduce((a, b) => a + b, 0)));
  const [middle, last] = [sizes(rows.slice(third, -third)), sizes(rows.slice(-third))];
  const failures = rows.at(-1)?.failures ?? 0;
  return [
    ...(last > middle * TOLERATED_GROWTH + TOLERATED_BYTES
      ? [`memory grew from ${Math.round(middle / 2 ** 20)} to ${Math.round(last / 2 ** 20)} MB`]
      : []),
    ...(failures > 0 ? [`${failures} requests failed`] : []),
  ];
}

function leaks(before: Open, after: Open): string[] {
  return (["descriptors", "connections", "active"] as const)
    .filter((name) => after[name] > before[name] + (name === "descriptors" ? TOLERATED_DESCRIPTORS : 0))
    .map((name) => `${name}: ${before[name]} before the load, ${after[name]} after it`);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
