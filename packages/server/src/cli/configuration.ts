/** The configuration of a start: the command line, the environment and the configuration file. */
import { availableParallelism } from "node:os";
import {
  type Config,
  type ConfigSource,
  environmentSource,
  resolveConfig,
  type ResolvedConfig,
  UsageError,
} from "../config.ts";
import { readConfigFile } from "./config-file.ts";

/**
 * @param commandLine its options.
 * @param file of `--config`.
 * @throws UsageError; or what the configuration file throws.
 */
export async function readConfiguration(
  commandLine: ConfigSource,
  file: string | undefined,
  folder: string,
): Promise<ResolvedConfig> {
  const environment = environmentSource(process.env, process.pid);
  const read = await readConfigFile(file, folder);
  return resolveConfig([commandLine, environment, ...(read === null ? [] : [read])]);
}

/** @throws UsageError where the options do not say what to start. */
export function checkStart(config: Config): void {
  const { application, static: mounts, pidFile } = config;
  const workers = workersOf(config);
  if (pidFile !== undefined && workers === null) {
    throw new UsageError("--pid-file: only a supervisor writes a PID file; add --workers");
  }
  if (workers !== null && process.platform === "win32") {
    throw new UsageError(
      "--workers, --threads: Windows passes no listening socket on to other processes; start one process",
    );
  }
  if (application === undefined && mounts.length === 0) {
    throw new UsageError(
      "there is nothing to serve: name the module of an application, such as ./app.ts, or --static .",
    );
  }
}

/** How many worker processes there are; `null` where the command serves in its own process. */
export function workersOf({ workers, threads }: Config): number | null {
  if (workers === "auto") return availableParallelism();
  return workers ?? (threads === undefined ? null : 1);
}
