/** The command line: `tsgi [[host:]port] module[:export] [options]`. */
import { parseArgs } from "node:util";
import { type ConfigSource, OPTIONS, UsageError } from "../config.ts";

export interface Arguments {
  readonly help: boolean;
  readonly version: boolean;
  /** Of `--config`. */
  readonly configFile: string | null;
  readonly source: ConfigSource;
}

/** @throws UsageError for what is not an option, or not in its place. */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  const { help = false, version = false, config = null, ...rest } = values;
  const given: Record<string, unknown> = {};
  for (const { name, flag } of OPTIONS) given[name] = rest[flag.slice(2)];
  const position = readPositionals(positionals);
  for (const [name, value] of Object.entries(position)) {
    if (given[name] !== undefined) throw new UsageError(`${flagOf(name)} is given twice: as "${value}" too`);
    given[name] = value;
  }
  return {
    help: help === true,
    version: version === true,
    configFile: typeof config === "string" ? config : null,
    source: { values: given, describe: (name) => (name in position ? `"${position[name]}"` : flagOf(name)) },
  };
}

function parse(args: readonly string[]) {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {
    help: { type: "boolean", short: "h" },
    version: { type: "boolean", short: "v" },
    config: { type: "string" },
  };
  for (const { flag, placeholder } of OPTIONS) {
    options[flag.slice(2)] = { type: placeholder === null ? "boolean" : "string" };
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // node:util's message says what is wrong in its first sentence; the rest is advice for other cases.
    throw new UsageError(error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error));
  }
}

/** Of two words the first is the address. Of one it is where it looks like one. */
function readPositionals(words: readonly string[]): Readonly<Record<string, string>> {
  const [first, second, third] = words;
  if (third !== undefined) throw new UsageError(`"${third}" is one word too many`);
  if (first === undefined) return {};
  const address = /^(?:(.*):)?(\d+)$/.exec(first);
  if (address === null) {
    if (second === undefined) return { application: first };
    throw new UsageError(`"${first}" is neither a port nor host:port`);
  }
  const [, host, port = ""] = address;
  return {
    ...(host === undefined ? {} : { host: host.replace(/^\[(.*)\]$/, "$1") }),
    port,
    ...(second === undefined ? {} : { application: second }),
  };
}

function flagOf(name: string): string {
  return OPTIONS.find((option) => option.name === name)?.flag ?? name;
}
