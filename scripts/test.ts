/**
 * `pnpm test`: finds or installs a real database, a real browser and the other runtimes, runs all tests on the repository's Node,
 * then those of the packages for users on the older versions that they support, and prints the failed tests and the total. With
 * arguments it runs Vitest once, on the repository's Node, and passes them on. A test that cannot run is skipped with the reason; with
 * CI=true a skip is a failure.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { withProgress } from "./lib/machine.ts";
import { obtain } from "./lib/obtain.ts";
import { startPrivateMysql } from "./lib/private-mysql.ts";
import type { PrivateMysql } from "./lib/private-mysql.ts";
import { CHROMIUM, CURL, GALERA, HAPROXY, MYSQL, NGINX, OPENSSL, REDIS } from "./lib/providers.ts";
import type { Need } from "./lib/providers.ts";
import { installRuntimes, requireRuntime, type RuntimeName } from "./lib/runtimes.ts";
import { addCounts, countTests, failureLines, summaryLine } from "./lib/summary.ts";
import type { Counts, JsonReport } from "./lib/summary.ts";

interface Suite {
  /** The path of a Node program. */
  readonly node: string;
  /** Its version, such as `26.10.0`. */
  readonly version: string;
  /** For NODE_OPTIONS. The test processes and the processes that tests start need them. */
  readonly nodeOptions: string;
  /** For Vitest. */
  readonly args: readonly string[];
}

const ROOT = join(import.meta.dirname, "..");
const CI = process.env["CI"] === "true";

/** Node removes types by default from 22.18 on. Before that it needs a flag, and prints a warning with it. */
const STRIP_TYPES = "--experimental-strip-types --disable-warning=ExperimentalWarning";
const OLDER: readonly (readonly [RuntimeName, string])[] = [
  ["node-24", ""],
  ["node-22", STRIP_TYPES],
];

const environment: Record<string, string> = {};
const reasons: string[] = [];
const failures: string[] = [];
let mysql: PrivateMysql | undefined;
let vitest: ChildProcess | undefined;
let stopped = false;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    stopped = true;
    vitest?.kill(signal);
    void cleanUp().finally(() => process.exit(130));
  });
}

const folder = await mkdtemp(join(tmpdir(), "tsgi-test-"));
try {
  await provide(MYSQL, async (program) => {
    mysql = await withProgress(`starting a private ${program}`, () => startPrivateMysql(program));
    return mysql.url;
  });
  for (const need of [CHROMIUM, CURL, OPENSSL, REDIS, GALERA, NGINX, HAPROXY])
    await provide(need, (program) => Promise.resolve(program));
  const args = process.argv.slice(process.argv[2] === "--" ? 3 : 2);
  const current: Suite = { node: process.execPath, version: process.versions.node, nodeOptions: "", args };
  const older = (await hasRuntimes()) ? OLDER.map(([name, nodeOptions]) => olderSuite(name, nodeOptions)) : [];
  const total = await runSuites(args.length === 0 ? [current, ...older] : [current]);
  for (const reason of reasons) console.log(`skipped: ${reason}`);
  const refused = CI && total.skipped + reasons.length > 0;
  if (refused) console.log("CI=true: a skipped test or a missing program is a failure");
  process.exitCode = total.failed > 0 || refused ? 1 : 0;
  for (const failure of failures) console.log(failure);
  console.log(summaryLine(total));
} finally {
  await cleanUp();
}

/** The suites of the packages for users on an older Node. */
function olderSuite(name: RuntimeName, nodeOptions: string): Suite {
  const { program, version } = requireRuntime(name);
  const args = ["packages/gateway-spec", "packages/server", "packages/framework"];
  return { node: program, version, nodeOptions, args };
}

/** Installs the runtimes, or records why they are not there. */
async function hasRuntimes(): Promise<boolean> {
  try {
    await installRuntimes();
    return true;
  } catch (error) {
    skip(error);
    return false;
  }
}

/** Sets the environment variable of a need, or records why the need is not met. */
async function provide(need: Need, use: (program: string) => Promise<string>): Promise<void> {
  try {
    const obtained = await obtain(need);
    if (obtained.kind === "program") environment[need.variable] = await use(obtained.path);
  } catch (error) {
    skip(error);
  }
}

/** Records why tests cannot run. */
function skip(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  reasons.push(reason);
  console.log(reason);
}

/** One after the other: the tests of one suite use all processors. */
async function runSuites(suites: readonly Suite[]): Promise<Counts> {
  let total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of suites) {
    if (stopped) break;
    console.log(`\n== tests on Node ${suite.version}`);
    const counts = await runVitest(suite);
    if (suites.length > 1) console.log(`== Node ${suite.version}: ${summaryLine(counts)}`);
    total = addCounts(total, counts);
  }
  return total;
}

/** Runs Vitest to its end. A run that fails without a failed test, such as by an unhandled rejection, counts as one failure. */
async function runVitest({ node, version, nodeOptions, args }: Suite): Promise<Counts> {
  const reportFile = join(folder, `report-${version}.json`);
  const ended = Promise.withResolvers<number>();
  vitest = spawn(
    node,
    [
      join(ROOT, "node_modules/vitest/vitest.mjs"),
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportFile}`,
      ...args,
    ],
    {
      cwd: ROOT,
      stdio: "inherit",
      env: {
        ...process.env,
        ...environment,
        NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} ${nodeOptions}`.trim(),
      },
    },
  );
  vitest.once("error", ended.reject);
  vitest.once("close", (code) => ended.resolve(code ?? 1));
  const status = await ended.promise;
  const report = await readReport(reportFile);
  const counts = countTests(report);
  failures.push(...failureLines(report, ROOT).map((line) => `failed on Node ${version}: ${line}`));
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

async function readReport(file: string): Promise<JsonReport | null> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as JsonReport;
  } catch {
    return null;
  }
}

async function cleanUp(): Promise<void> {
  await mysql?.stop();
  mysql = undefined;
  await rm(folder, { recursive: true, force: true });
}
