/**
 * `pnpm test`: finds or installs a real database and a real browser, runs Vitest with them, and counts. Arguments go to Vitest.
 * What cannot be had is skipped with the reason; with CI=true a skip is a failure.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram, installPackages, installPrefix, withProgress } from "./lib/machine.ts";
import { startPrivateMysql } from "./lib/private-mysql.ts";
import type { PrivateMysql } from "./lib/private-mysql.ts";
import { CHROMIUM, MYSQL, chooseSource, missing } from "./lib/providers.ts";
import type { Need } from "./lib/providers.ts";
import { countTests, summaryLine } from "./lib/summary.ts";
import type { JsonReport } from "./lib/summary.ts";

const ROOT = join(import.meta.dirname, "..");
const CI = process.env["CI"] === "true";

const found: Record<string, string> = {};
const reasons: string[] = [];
let mysql: PrivateMysql | undefined;
let vitest: ReturnType<typeof spawn> | undefined;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
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
  await provide(CHROMIUM, (program) => Promise.resolve(program));
  const reportFile = join(folder, "report.json");
  const status = await runVitest(reportFile);
  const counts = countTests(await readReport(reportFile));
  for (const reason of reasons) console.log(`skipped, ${reason}`);
  const refused = CI && counts.skipped + reasons.length > 0;
  if (refused) console.log("CI=true: what is skipped or missing is a failure");
  process.exitCode = status !== 0 || counts.failed > 0 || refused ? 1 : 0;
  console.log(summaryLine(counts));
} finally {
  await cleanUp();
}

/** Puts what a need is met by into the environment of the tests, or the reason why it is not among the reasons. */
async function provide(need: Need, use: (program: string) => Promise<string>): Promise<void> {
  const { env } = process;
  const find = (names: readonly string[]) => findProgram(names, env);
  try {
    const source = await chooseSource(need, { env, findProgram: find, installPrefix: () => installPrefix(env) });
    if (source.kind === "given") return;
    if (source.kind === "missing") throw new Error(source.reason);
    if (source.kind === "install") await installPackages(need.debianPackages, source.prefix, env);
    const program = source.kind === "program" ? source.path : find(need.programs);
    if (program === null) throw new Error(missing(need));
    found[need.variable] = await use(program);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    reasons.push(reason);
    console.log(reason);
  }
}

async function runVitest(reportFile: string): Promise<number> {
  const args = process.argv.slice(2);
  const ended = Promise.withResolvers<number>();
  vitest = spawn(
    process.execPath,
    [
      join(ROOT, "node_modules/vitest/vitest.mjs"),
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportFile}`,
      ...(args[0] === "--" ? args.slice(1) : args),
    ],
    { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...found } },
  );
  vitest.once("error", ended.reject);
  vitest.once("close", (code) => ended.resolve(code ?? 1));
  return ended.promise;
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
