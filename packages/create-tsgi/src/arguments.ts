/** The command line. One table describes the options; the parser and `--help` read it. */
import { parseArgs } from "node:util";

/** How the command was used wrongly, for standard error. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const DATABASES = ["sqlite", "mysql"] as const;
export type DatabaseKind = (typeof DATABASES)[number];

interface OptionInfo {
  readonly type: "boolean" | "string";
  readonly short?: string;
  /** Of the value, for the help. */
  readonly placeholder?: string;
  /** `--no-…` exists too. */
  readonly negatable?: boolean;
  readonly description: string;
}

const OPTIONS = {
  page: { type: "boolean", description: "The application has a page with a form; with --api it has both" },
  api: { type: "boolean", description: "The application has a JSON API with its documentation" },
  database: { type: "string", placeholder: DATABASES.join("|"), description: "Where the application keeps its data" },
  install: { type: "boolean", negatable: true, description: "Install the packages, or do not" },
  git: { type: "boolean", negatable: true, description: "Create a git repository, or do not" },
  yes: {
    type: "boolean",
    short: "y",
    description: "Ask nothing. What the options leave open: page and API, sqlite, packages and a git repository",
  },
  help: { type: "boolean", short: "h", description: "Print this text" },
  version: { type: "boolean", short: "v", description: "Print the version" },
} as const satisfies Readonly<Record<string, OptionInfo>>;

/** What the command line says; what is undefined is open. */
export interface Arguments {
  readonly directory: string | undefined;
  readonly page: boolean | undefined;
  readonly api: boolean | undefined;
  readonly database: DatabaseKind | undefined;
  readonly install: boolean | undefined;
  readonly git: boolean | undefined;
  readonly yes: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

/** @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  const [directory, unexpected] = positionals;
  if (unexpected !== undefined) throw new UsageError(`unexpected argument "${unexpected}"`);
  const { page, api, database, install, git, yes = false, help = false, version = false } = values;
  if (database !== undefined && !isDatabase(database)) {
    throw new UsageError(`--database must be ${DATABASES.join(" or ")}, not "${database}"`);
  }
  // With one of the two, the other one is not open.
  const chosen = page === true || api === true;
  return {
    directory,
    page: chosen ? page === true : undefined,
    api: chosen ? api === true : undefined,
    database,
    install,
    git,
    yes,
    help,
    version,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, allowNegative: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node's hint on positional arguments does not apply here.
    throw new UsageError(error.message.replace(/\. To specify a positional argument.*$/s, ""));
  }
}

function isDatabase(text: string): text is DatabaseKind {
  return (DATABASES as readonly string[]).includes(text);
}

export function helpText(): string {
  const rows = Object.entries(OPTIONS as Readonly<Record<string, OptionInfo>>).map(([name, option]) => ({
    left: `${option.short === undefined ? "    " : `-${option.short}, `}--${option.negatable === true ? "[no-]" : ""}${name}${option.placeholder === undefined ? "" : ` <${option.placeholder}>`}`,
    description: option.description,
  }));
  const width = Math.max(...rows.map(({ left }) => left.length));
  return `Usage: npm create tsgi@latest [directory] [-- options]

Creates an application on TSGI in the directory. It asks for what the arguments leave open.

${rows.map(({ left, description }) => `  ${left.padEnd(width)}  ${description}\n`).join("")}`;
}
