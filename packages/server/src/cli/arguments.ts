/** Parses the command line: `tsgi [[host:]port] [module[:export]] [options] [-- options of the application]`. */
import { parseArgs } from "node:util";
import { closestName } from "../closest-name.ts";
import {
  COMMAND_OPTIONS,
  type CommandOptions,
  type ConfigSource,
  type OptionInfo,
  OPTIONS,
  UsageError,
  didYouMean,
} from "../config.ts";

export interface Arguments {
  readonly command: CommandOptions;
  readonly source: ConfigSource;
  /** What follows `--`. */
  readonly applicationArguments: readonly string[];
}

/** @throws UsageError for an unknown option or an unexpected argument. */
export function readArguments(args: readonly string[]): Arguments {
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  const { given, words } = parse(own);
  const position = readPositionals(words);
  for (const [name, value] of Object.entries(position)) {
    if (given.has(name)) throw new UsageError(`${given.get(name)?.flag} is given twice: "${value}" is the same option`);
  }
  const values: Record<string, unknown> = { ...position };
  for (const [name, { value }] of given) values[name] = value;
  const { config, check = false, status = false, help = false, version = false, ...options } = values;
  return {
    command: {
      ...(typeof config === "string" && { config }),
      check: check === true,
      status: status === true,
      help: help === true,
      version: version === true,
    },
    source: {
      place: "command line",
      values: options,
      describe: (name) => given.get(name)?.flag ?? name,
    },
    applicationArguments: end === -1 ? [] : args.slice(end + 1),
  };
}

interface Given {
  /** As it was written. */
  readonly flag: string;
  readonly value: string | boolean | readonly string[];
}

function parse(args: readonly string[]): {
  /** By option name. */
  readonly given: ReadonlyMap<string, Given>;
  readonly words: readonly string[];
} {
  const byFlag = new Map<string, OptionInfo>();
  const types: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const option of [...OPTIONS, ...COMMAND_OPTIONS]) {
    for (const flag of [option.flag, ...option.otherFlags]) {
      byFlag.set(flag, option);
      if (flag.startsWith("--")) types[flag.slice(2)] = { type: option.placeholder === null ? "boolean" : "string" };
    }
    const letter = option.otherFlags.find((flag) => !flag.startsWith("--"));
    if (letter !== undefined) types[option.flag.slice(2)] = { type: "boolean", short: letter.slice(1) };
  }
  const { tokens } = parseArgs({
    args: [...args],
    options: types,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const given = new Map<string, Given>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const { rawName: flag, value, inlineValue } = token;
    const option = byFlag.get(flag);
    if (option === undefined) {
      const flags = [...byFlag.keys()].filter((known) => known.startsWith("--"));
      throw new UsageError(`unknown option "${flag}"${didYouMean(closestName(flag, flags))}`);
    }
    const { name, placeholder, repeatable } = option;
    if (placeholder !== null && (value === undefined || (!inlineValue && /^-./.test(value)))) {
      throw new UsageError(`"${flag}" needs a value: ${flag} <${placeholder}>`);
    }
    const earlier = given.get(name);
    if (earlier !== undefined && !repeatable) throw new UsageError(`${flag} is given twice`);
    const one = value ?? true;
    given.set(name, {
      flag,
      value: repeatable ? [...((earlier?.value ?? []) as readonly string[]), String(one)] : one,
    });
  }
  return { given, words };
}

/** Of two arguments the first is the address; a single one is an address if it looks like one. */
function readPositionals(words: readonly string[]): Readonly<Record<string, string>> {
  const [first, second, third] = words;
  if (third !== undefined) throw new UsageError(`unexpected argument "${third}"`);
  if (first === undefined) return {};
  const address = ADDRESS.exec(first);
  if (address === null) {
    if (second === undefined) return { application: first };
    if (ADDRESS.test(second)) throw new UsageError(`unexpected argument "${second}": the port comes before the module`);
    throw new UsageError(`"${first}" is not a port or host:port`);
  }
  const [, hostname, port = ""] = address;
  return {
    ...(hostname !== undefined && { hostname: hostname.replace(/^\[(.*)\]$/, "$1") }),
    port,
    ...(second !== undefined && { application: second }),
  };
}

const ADDRESS = /^(?:(.*):)?(\d+)$/;
