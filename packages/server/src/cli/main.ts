/**
 * The `tsgi` command from its words to its exit code: 0 after an orderly end, 1 where it could not start, 2 for wrong usage,
 * 130 and 143 for a second SIGINT or SIGTERM. Unhandled rejections end the process, as is Node's default: an application that
 * lost track of its errors is not one to keep running.
 */
import { type Config, environmentSource, resolveConfig, UsageError } from "../config.ts";
import { VERSION } from "../version.ts";
import { readArguments } from "./arguments.ts";
import { readConfigFile } from "./config-file.ts";
import { explain } from "./explain.ts";
import { run } from "./run.ts";
import { supervise } from "./supervise.ts";
import { helpText, SYNOPSIS } from "./usage.ts";

/** @throws what nobody foresaw, for Node to print with its stack and, of a syntax error, its place. */
export async function main(args: readonly string[]): Promise<void> {
  const folder = process.cwd();
  let config: Config;
  try {
    const { help, version, configFile, source } = readArguments(args);
    if (help) return void process.stdout.write(helpText());
    if (version) return void process.stdout.write(`${VERSION}\n`);
    const file = await readConfigFile(configFile, folder);
    config = resolveConfig([source, environmentSource(process.env), ...(file === null ? [] : [file])]);
    if (config.application === undefined) throw new UsageError("which application? Name its module, such as ./app.ts");
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(
      `${error.message.replaceAll(/^/gm, "tsgi: ")}\n\n${SYNOPSIS}\ntsgi --help lists the options.\n`,
    );
    process.exitCode = 2;
    return;
  }
  if (config.watch) return supervise(args, folder, config.shutdownTimeoutMs);
  try {
    await run({ ...config, application: config.application }, folder);
  } catch (error) {
    const line = explain(error, config);
    if (line === null) throw error;
    process.stderr.write(`tsgi: ${line}\n`);
    process.exit(1); // What the application has opened meanwhile would keep the process.
  }
}
