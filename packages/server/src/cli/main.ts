/**
 * The `tsgi` command, from its arguments to its exit code: 0 after an orderly end, 1 if it cannot start, 2 for wrong usage, 130 and
 * 143 for a second SIGINT or SIGTERM. Unhandled rejections end the process, as is the default of Node.
 */
import { availableParallelism } from "node:os";
import { environmentSource, resolveConfig, type ResolvedConfig, UsageError } from "../config.ts";
import { VERSION } from "../version.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { readConfigFile } from "./config-file.ts";
import { explain } from "./explain.ts";
import { readStatus, statusSocketPath, statusTable } from "../workers/status.ts";
import { run } from "./run.ts";
import { checkText, helpText, SYNOPSIS } from "./usage.ts";
import { watch } from "./watch.ts";

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
  let given: Arguments;
  let resolved: ResolvedConfig;
  try {
    given = readArguments(args);
    const { command } = given;
    if (command.help)
      return void process.stdout.write(
        helpText(process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY),
      );
    if (command.version) return void process.stdout.write(`${VERSION}\n`);
    const environment = environmentSource(process.env, process.pid);
    const file = await readConfigFile(command.config, folder);
    resolved = resolveConfig([given.source, environment, ...(file === null ? [] : [file])]);
    if (command.check) return void process.stdout.write(checkText(resolved));
    if (command.status) return await printStatus(resolved.config.pidFile);
    const { application, static: mounts, pidFile, workers } = resolved.config;
    if (pidFile !== undefined && workers === undefined) {
      throw new UsageError("--pid-file: only a supervisor writes a PID file; add --workers");
    }
    if (workers !== undefined && process.platform === "win32") {
      throw new UsageError("--workers: Windows passes no listening socket on to other processes; start one process");
    }
    if (application === undefined && mounts.length === 0) {
      throw new UsageError(
        "there is nothing to serve: name the module of an application, such as ./app.ts, or --static .",
      );
    }
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
  const { config } = resolved;
  if (config.watch) return watch(args, folder, config);
  try {
    const start = { config, folder, applicationArguments: given.applicationArguments };
    if (config.workers === undefined) await run(start);
    else {
      // Only here: a single process needs none of it.
      const { runWorkers } = await import("../workers/run-workers.ts");
      process.exitCode = await runWorkers(start, config.workers === "auto" ? availableParallelism() : config.workers);
    }
  } catch (error) {
    const line = explain(error, config);
    if (line === null) throw error;
    process.stderr.write(`tsgi: ${line}\n`);
    process.exit(1); // The application may have opened something that keeps the process alive.
  }
}
