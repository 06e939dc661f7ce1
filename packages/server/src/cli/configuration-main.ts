/** The module of a process that reads the configuration, and sends it as a `Start`. Modules cannot be loaded twice in one process. */
import { readArguments } from "./arguments.ts";
import { checkStart, readConfiguration } from "./configuration.ts";
import type { Start } from "./start.ts";
import { UsageError } from "../config.ts";

try {
  const folder = process.cwd();
  const { command, source, applicationArguments } = readArguments(process.argv.slice(2));
  const { config } = await readConfiguration(source, command.config, folder);
  checkStart(config);
  process.send?.({ config, folder, applicationArguments } satisfies Start);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`tsgi: ${error.message}\n`);
  process.exitCode = 2;
}
