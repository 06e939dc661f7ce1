/**
 * Serves the demo on a private MariaDB under a bounded load, and disturbs it by chance: workers are killed and frozen, generations
 * replaced, the database killed and started again, while clients read slowly and vanish.
 *
 *     node bench/chaos.ts [--minutes 3] [--workers 2] [--seed N]
 *
 * The same seed gives the same disturbances at the same times. It exits with 1 where a request failed in a way that no disturbance
 * explains, an acknowledged write is lost, or the site does not recover.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { findProgram } from "../scripts/lib/machine.ts";
import { startPrivateMysql } from "../scripts/lib/private-mysql.ts";
import { MYSQL } from "../scripts/lib/providers.ts";
import { Clients, seeded } from "./endurance/clients.ts";
import { Site } from "./endurance/site.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    workers: { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const totalMs = Number(values.minutes) * 60_000;
const random = seeded(Number(values.seed));

const KINDS = [
  "kill a worker",
  "freeze a worker",
  "reload",
  "kill the database",
  "one worker more and one less",
] as const;
type Kind = (typeof KINDS)[number];

/** What a client may see, by the disturbance that explains it. Everything else is a finding. */
const EXPLAINED: Readonly<Partial<Record<Kind, RegExp>>> = {
  "kill a worker": /fetch failed|terminated|aborted due to timeout|ECONNRESET/,
  "freeze a worker": /fetch failed|terminated|aborted due to timeout|ECONNRESET/,
  "kill the database": /: 503$/,
};
/** It must not be refused: the supervisor holds the socket. */
const NEVER = /ECONNREFUSED/;

/** From the last disturbance until every request must succeed: a worker may be frozen while it starts, which takes 60 seconds. */
const RECOVERY_MS = 90_000;
const QUIET_MS = 5000;

interface Disturbance {
  readonly kind: Kind;
  readonly atMs: number;
  /** From 0 to below 1: which worker, or how long. */
  readonly choice: number;
}

const disturbances: Disturbance[] = [];
for (let atMs = 3000; atMs < totalMs; atMs += 4000 + random() * 8000) {
  disturbances.push({ kind: KINDS[Math.floor(random() * KINDS.length)] ?? "reload", atMs, choice: random() });
}

const program = findProgram(MYSQL.programs, process.env);
if (program === null) throw new Error("There is no MariaDB server: install Debian's mariadb-server-core");
const mysql = await startPrivateMysql(program);
const problems: string[] = [];
try {
  await createDatabase();
  const site = await Site.start(Number(values.workers), `${mysql.url}stock`, "--stuck-timeout-ms", "2000");
  console.log(`chaos: seed ${values.seed}, ${values.minutes} minutes, ${disturbances.length} disturbances\n`);
  const clients = new Clients(site.origin, random);
  const startedAt = performance.now();
  for (const { kind, atMs, choice } of disturbances) {
    await delay(Math.max(0, atMs - (performance.now() - startedAt)));
    console.log(`${((performance.now() - startedAt) / 1000).toFixed(1)} s ${kind}`);
    await disturb(site, kind, choice);
  }
  problems.push(...(await recover(site, clients)));
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1)} s recovered`);
  await clients.stop();
  if (!(await clients.isNoteStored())) problems.push("the last acknowledged write is lost");
  const code = await site.stop();
  if (code !== 0) problems.push(`the command ended with exit code ${code}`);
  report(site, clients);
  await site[Symbol.asyncDispose]();
} finally {
  await mysql.stop();
}
console.log(
  problems.length === 0 ? "\nchaos: passed" : `\nchaos: FAILED, seed ${values.seed}\n- ${problems.join("\n- ")}`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

async function createDatabase(): Promise<void> {
  const { createConnection } = await import("mysql2/promise");
  const connection = await createConnection(mysql.url);
  await connection.query("CREATE DATABASE stock");
  await connection.end();
}

async function disturb(site: Site, kind: Kind, choice: number): Promise<void> {
  const workers = site.pids.slice(1);
  const worker = workers[Math.floor(choice * workers.length)];
  switch (kind) {
    case "kill a worker":
      if (worker !== undefined) process.kill(worker, "SIGKILL");
      break;
    case "freeze a worker":
      // The supervisor finds it stuck, and kills it.
      if (worker !== undefined) process.kill(worker, "SIGSTOP");
      break;
    case "reload":
      site.signal("SIGHUP");
      break;
    case "kill the database":
      await mysql.kill();
      await delay(choice * 2000);
      await mysql.restart();
      break;
    case "one worker more and one less":
      site.signal("SIGTTIN");
      await delay(1000);
      site.signal("SIGTTOU");
      break;
  }
}

/** Waits until all workers run, and no request has failed for some seconds. */
async function recover(site: Site, clients: Clients): Promise<readonly string[]> {
  const deadline = performance.now() + RECOVERY_MS;
  for (;;) {
    const failures = clients.failures.length;
    await delay(QUIET_MS);
    const running = site.pids.length - 1;
    if (running === Number(values.workers) && failures === clients.failures.length) return [];
    if (performance.now() > deadline) {
      const failed = clients.failures.length - failures;
      return [
        `${RECOVERY_MS / 1000} s after the last disturbance ${running} of ${values.workers} workers run, and ${failed} requests fail`,
      ];
    }
  }
}

function report(site: Site, clients: Clients): void {
  const happened = new Set(disturbances.map(({ kind }) => kind));
  const explained = [...happened].flatMap((kind) => EXPLAINED[kind] ?? []);
  const counts = new Map<string, number>();
  for (const { what } of clients.failures) {
    counts.set(what, (counts.get(what) ?? 0) + 1);
    if (NEVER.test(what) || !explained.some((pattern) => pattern.test(what))) problems.push(`unexplained: ${what}`);
  }
  console.log(
    `\n${clients.responses} responses, ${clients.failures.length} failures, ${site.starts} starts of workers, ${site.deaths} deaths`,
  );
  for (const line of site.errors.slice(0, 20)) console.log(`stderr: ${line}`);
  for (const [what, count] of [...counts].toSorted((a, b) => b[1] - a[1]))
    console.log(`${String(count).padStart(6)} ${what}`);
}
