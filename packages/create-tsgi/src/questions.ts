/** Asks for what the command line leaves open. */
import { confirm, isCancel, select, text } from "@clack/prompts";
import type { Arguments, DatabaseKind } from "./arguments.ts";
import type { PackageManager } from "./package-manager.ts";
import { assertEmpty, nameOf } from "./target.ts";

export interface Plan {
  readonly directory: string;
  readonly page: boolean;
  readonly api: boolean;
  readonly database: DatabaseKind;
  readonly install: boolean;
  readonly git: boolean;
}

const DEFAULT_DIRECTORY = "tsgi-app";

/** Escape or Ctrl-C. */
export class CancelError extends Error {
  override readonly name = "CancelError";
}

/** What `--yes` chooses where the command line says nothing. */
export function withDefaults(given: Arguments): Plan {
  return {
    directory: given.directory ?? DEFAULT_DIRECTORY,
    page: given.page ?? true,
    api: given.api ?? true,
    database: given.database ?? "sqlite",
    install: given.install ?? true,
    git: given.git ?? true,
  };
}

/** The options that would make a terminal unnecessary; empty if nothing is open. */
export function openQuestions(given: Arguments): readonly string[] {
  return [
    ...(given.directory === undefined ? ["a directory"] : []),
    ...(given.page === undefined ? ["--page or --api"] : []),
    ...(given.database === undefined ? ["--database"] : []),
    ...(given.install === undefined ? ["--install or --no-install"] : []),
    ...(given.git === undefined ? ["--git or --no-git"] : []),
  ];
}

/** @throws CancelError */
export async function ask(given: Arguments, packageManager: PackageManager): Promise<Plan> {
  const directory = given.directory ?? (await askDirectory());
  const { page, api } =
    given.page === undefined || given.api === undefined ? await askContent() : { page: given.page, api: given.api };
  const database = given.database ?? (await askDatabase());
  const install = given.install ?? chosen(await confirm({ message: `Install the packages with ${packageManager}?` }));
  const git = given.git ?? chosen(await confirm({ message: "Create a git repository?" }));
  return { directory, page, api, database, install, git };
}

async function askDirectory(): Promise<string> {
  const directory = await text({
    message: "Where is the application?",
    placeholder: DEFAULT_DIRECTORY,
    defaultValue: DEFAULT_DIRECTORY,
    validate: (value) => problemWith(value === undefined || value === "" ? DEFAULT_DIRECTORY : value),
  });
  return chosen(directory);
}

function problemWith(directory: string): string | undefined {
  try {
    nameOf(directory);
    assertEmpty(directory);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function askContent(): Promise<{ readonly page: boolean; readonly api: boolean }> {
  const content = await select({
    message: "What does it have?",
    options: [
      { value: { page: true, api: true }, label: "A page and an API" },
      { value: { page: true, api: false }, label: "A page", hint: "HTML from views, forms, static files" },
      { value: { page: false, api: true }, label: "An API", hint: "JSON, OpenAPI and its documentation" },
    ],
  });
  return chosen(content);
}

async function askDatabase(): Promise<DatabaseKind> {
  const database = await select<DatabaseKind>({
    message: "Which database?",
    options: [
      { value: "sqlite", label: "SQLite", hint: "a file, nothing to set up" },
      { value: "mysql", label: "MySQL or MariaDB", hint: "with a compose file for development" },
    ],
  });
  return chosen(database);
}

/** clack returns a symbol if the user cancelled. */
function chosen<T>(value: T): Exclude<T, symbol> {
  if (isCancel(value)) throw new CancelError("cancelled");
  return value as Exclude<T, symbol>;
}
