/**
 * The `tsgi` command, from its arguments to its exit code: 0 after an orderly end, 1 if it cannot start, 2 for wrong usage, 130 and
 * 143 for a second SIGINT or SIGTERM. Unhandled rejections end the process, as is the default of Node.
 */
import { UsageError } from "./config.ts";
import { VERSION } from "./version.ts";
import { type Arguments, readArguments } from "./cli/arguments.ts";
import { configFiles } from "./cli/config-file.ts";
import { checkStart, readConfiguration, workersOf } from "./cli/configuration.ts";
import { explain } from "./cli/explain.ts";
import { readStatus, statusSocketPath, statusTable } from "./workers/status.ts";
import { run } from "./cli/run.ts";
import type { Start } from "./cli/start.ts";
import { checkText, helpText, SYNOPSIS } from "./cli/usage.ts";

/** @throws UsageError without a PID file, or where its supervisor does not run. */
async function printStatus(pidFile: string | undefined): Promise<void> {
  if (pidFile === undefined) throw new UsageError("--status needs the file of the supervisor: add --pid-file");
  try {
    process.stdout.write(`${statusTable(await readStatus(statusSocketPath(pidFile)))}\n`);
  } catch (error) {
    throw new UsageError(`--pid-file ${pidFile}: no supervisor with this file is running`, { cause: error });
  }
}

/** @throws an error that is a bug, for Node to print with its stack and, for a syntax error, its place. */
export async function main(args: readonly string[]): Promise<void> {
  const folder = process.cwd();
  let start: Start;
  let given: Arguments;
  try {
    given = readArguments(args);
    const { command, source, applicationArguments } = given;
    if (command.help)
      return void process.stdout.write(
        helpText(process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY),
      );
    if (command.version) return void process.stdout.write(`${VERSION}\n`);
    const resolved = await readConfiguration(source, command.config, folder);
    const { config } = resolved;
    if (command.check) return void process.stdout.write(checkText(resolved));
    if (command.status) return await printStatus(config.pidFile);
    checkStart(config);
    start = { config, folder, applicationArguments };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(
      `${error.message.replaceAll(/^/gm, "tsgi: ")}\n\n${SYNOPSIS}\ntsgi --help lists the options.\n`,
    );
    process.exitCode = 2;
    return;
  }
  // They are for this process only (sd_listen_fds(3)).
  delete process.env["LISTEN_FDS"];
  delete process.env["LISTEN_PID"];
  const { config } = start;
  try {
    if (config.watch) {
      // Only here: a production process needs none of it. So below.
      const { watch } = await import("./watch/watch.ts");
      process.exit(await watch(start, args, configFiles(given.command.config, folder)));
    }
    const workers = workersOf(config);
    if (workers === null) await run(start);
    else {
      const { runWorkers } = await import("./workers/run-workers.ts");
      process.exitCode = await runWorkers(start, args, workers);
    }
  } catch (error) {
    const line = explain(error, config);
    if (line === null) throw error;
    process.stderr.write(`tsgi: ${line}\n`);
    process.exit(1); // The application may have opened something that keeps the process alive.
  }
}
