/** `create-tsgi`: reads the command line, asks for the rest, and creates the application. */
import { relative, resolve } from "node:path";
import { cancel, intro, log, note, outro } from "@clack/prompts";
import { type Arguments, helpText, readArguments, UsageError } from "./arguments.ts";
import { createRepository, detectPackageManager, install, type PackageManager } from "./package-manager.ts";
import { type Plan, ask, CancelError, openQuestions, withDefaults } from "./questions.ts";
import { assertEmpty, nameOf, TargetError, writeFiles } from "./target.ts";
import { createFiles, ownManifest } from "./template.ts";

/** @returns the exit code: 2 for wrong usage, 1 if the application could not be created or the user cancelled. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return await start(readArguments(args));
  } catch (error) {
    if (error instanceof CancelError) cancel("Cancelled. No file was written.");
    else if (error instanceof UsageError) process.stderr.write(`create-tsgi: ${error.message}; see --help\n`);
    else if (error instanceof TargetError) process.stderr.write(`create-tsgi: ${error.message}\n`);
    else throw error;
    return error instanceof UsageError ? 2 : 1;
  }
}

async function start(given: Arguments): Promise<number> {
  if (given.help) process.stdout.write(helpText());
  else if (given.version) process.stdout.write(`${ownManifest.version}\n`);
  else return create(given);
  return 0;
}

async function create(given: Arguments): Promise<number> {
  const packageManager = detectPackageManager(process.env["npm_config_user_agent"]);
  // Before the questions: a wrong directory would make them useless.
  if (given.directory !== undefined) assertTarget(given.directory);
  const open = given.yes ? [] : openQuestions(given);
  if (open.length > 0 && !process.stdin.isTTY) {
    throw new UsageError(`the standard input is not a terminal: add --yes, or ${open.join(", ")}`);
  }
  intro("create-tsgi");
  const plan = open.length === 0 ? withDefaults(given) : await ask(given, packageManager);
  assertTarget(plan.directory);
  const folder = resolve(plan.directory);
  writeFiles(folder, createFiles({ ...plan, name: nameOf(folder), packageManager }));
  log.success(`Created ${describe(plan)} in ${folder}`);
  if (plan.git) await addRepository(folder);
  const isInstalled = plan.install && (await addPackages(packageManager, folder));
  note(nextCommands(plan, packageManager, folder, isInstalled).join("\n"), "Next");
  outro("README.md in the folder explains each file.");
  return plan.install && !isInstalled ? 1 : 0;
}

function assertTarget(directory: string): void {
  nameOf(directory);
  assertEmpty(directory);
}

function describe({ page, api, database }: Plan): string {
  const content = page && api ? "a page and an API" : page ? "a page" : "an API";
  return `${content} on ${database === "sqlite" ? "SQLite" : "MySQL or MariaDB"}`;
}

async function addRepository(folder: string): Promise<void> {
  const outcome = await createRepository(folder);
  if (outcome === "created") log.success("Created a git repository");
  else if (outcome === "failed") log.warn("git could not create a repository; run `git init` later");
}

async function addPackages(packageManager: PackageManager, folder: string): Promise<boolean> {
  log.step(`Installing the packages with ${packageManager}`);
  const succeeded = await install(packageManager, folder);
  if (succeeded) log.success("Installed the packages");
  else log.error(`\`${packageManager} install\` failed; the files are complete, so run it again in ${folder}`);
  return succeeded;
}

function nextCommands(
  { database }: Plan,
  packageManager: PackageManager,
  folder: string,
  isInstalled: boolean,
): readonly string[] {
  const path = relative(process.cwd(), folder);
  return [
    ...(path === "" ? [] : [`cd ${path}`]),
    ...(isInstalled ? [] : [`${packageManager} install`]),
    ...(database === "mysql" ? ["docker compose up --detach --wait"] : []),
    `${packageManager} run dev`,
  ];
}
