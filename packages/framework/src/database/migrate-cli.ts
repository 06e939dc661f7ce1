#!/usr/bin/env node
/** The command `tsgi-migrate`. The URL of the database comes from the environment: an argument would show its password in the list of processes. */
import { parseArgs } from "node:util";
import { DatabaseError, openDatabase } from "./database.ts";
import { listMigrations, migrate, MigrationError } from "./migrations.ts";
import type { Database } from "./types.ts";

const USAGE = `usage: tsgi-migrate [--list] [folder]

Applies the files of the folder (default ./migrations) that are not applied yet to the database of DATABASE_URL.

  --list   prints the files and whether they are applied, and applies none
`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const command = parse(args);
  if (command === null) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (typeof command === "string") {
    process.stderr.write(`tsgi-migrate: ${command}\n\n${USAGE}`);
    return 2;
  }
  try {
    const database = await openDatabase(command.url);
    try {
      await run(database, command);
    } finally {
      await database.close();
    }
    return 0;
  } catch (error) {
    // Their messages say what to do; a stack of ours would not help.
    if (!(error instanceof MigrationError) && !(error instanceof DatabaseError)) throw error;
    process.stderr.write(`tsgi-migrate: ${error.code}: ${error.message}\n`);
    return 1;
  }
}

interface Command {
  readonly url: string;
  readonly folder: string;
  readonly list: boolean;
}

async function run(database: Database, { folder, list }: Command): Promise<void> {
  if (list) {
    for (const { name, isApplied } of await listMigrations(database, folder)) {
      console.log(`${isApplied ? "applied" : "pending"} ${name}`);
    }
    return;
  }
  const applied = await migrate(database, folder);
  for (const name of applied) console.log(`applied ${name}`);
  if (applied.length === 0) console.log("nothing to apply");
}

/** `null` asks for the usage; a text says what is wrong with the arguments. */
function parse(args: string[]): Command | string | null {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      options: { list: { type: "boolean", default: false }, help: { type: "boolean", default: false } },
      allowPositionals: true,
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { values, positionals } = parsed;
  if (values.help) return null;
  const [folder = "./migrations", unexpected] = positionals;
  if (unexpected !== undefined) return `unexpected argument "${unexpected}"`;
  const url = process.env["DATABASE_URL"];
  if (url === undefined) return "the environment variable DATABASE_URL is missing: set it, such as to sqlite:./file.db";
  return { url, folder, list: values.list };
}
