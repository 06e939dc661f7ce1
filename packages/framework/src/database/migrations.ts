/**
 * Numbered SQL files, such as `0001-create-tables.sql`, change a database from one version to the next; a file for one kind of
 * database is `0001-create-tables.mysql.sql`. The table `tsgi_migrations` records the applied files with their checksums.
 *
 * @module @tsgi/framework/migrations
 */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isScriptable, SCRIPT } from "./script.ts";
import type { Script } from "./script.ts";
import type { Database } from "./types.ts";

/** The codes of {@link MigrationError}; `docs/errors.md` says what to do about each. */
export type MigrationErrorCode =
  /** The folder cannot be read, a name has not the form `0001-name.sql`, or two files have the same number. */
  | "MIGRATION_FILES"
  /** An applied file has another content now. */
  | "MIGRATION_CHANGED"
  /** A file that is not applied has a lower number than an applied one. */
  | "MIGRATION_ORDER"
  /** A statement of a file failed; the database's error is the cause. */
  | "MIGRATION_FAILED"
  /** An earlier run stopped in the middle of a file. */
  | "MIGRATION_INCOMPLETE";

/** The files or the database are not in a state that can be migrated, or a statement failed. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
  /** What stopped the migration. */
  readonly code: MigrationErrorCode;

  constructor(code: MigrationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A file of the folder. */
export interface Migration {
  /** Of the file, without its extensions: `0001-create-tables`. */
  readonly name: string;
  /** Whether the database records it as applied. */
  readonly isApplied: boolean;
}

/**
 * Applies the files of a folder that are not applied yet, in the order of their numbers, and gives their names. Processes that
 * start at the same time wait for each other, for at most a minute. On SQLite all files are applied or none. On MySQL each statement
 * takes effect by itself, so a file that fails in the middle must be repaired by hand.
 * @throws MigrationError
 * @throws DatabaseError `DATABASE_BUSY` if another process does not finish in time.
 */
export async function migrate(database: Database, folder: string | URL): Promise<readonly string[]> {
  const files = await readFiles(folder, database.dialect);
  return withScript(database, async (script) => {
    const pending = pendingOf(files, await readApplied(script));
    for (const file of pending) await apply(script, file, database.dialect);
    return pending.map(({ name }) => name);
  });
}

/**
 * The files of a folder, and which of them are applied. Changes nothing, except that it creates the table of the applied files.
 * @throws MigrationError
 */
export async function listMigrations(database: Database, folder: string | URL): Promise<readonly Migration[]> {
  const files = await readFiles(folder, database.dialect);
  return withScript(database, async (script) => {
    const pending = new Set(pendingOf(files, await readApplied(script)));
    return files.map((file) => ({ name: file.name, isApplied: !pending.has(file) }));
  });
}

interface MigrationFile {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

const FILE_NAME = /^(\d+)-[\w-]+(?=(?:\.(mysql|sqlite))?\.sql$)/;

async function readFiles(folder: string | URL, dialect: Database["dialect"]): Promise<readonly MigrationFile[]> {
  const root = folder instanceof URL ? fileURLToPath(folder) : folder;
  const files: MigrationFile[] = [];
  for (const fileName of await namesIn(root)) {
    const [name, number, only] = FILE_NAME.exec(fileName) ?? [];
    if (name === undefined) {
      throw new MigrationError(
        "MIGRATION_FILES",
        `${fileName} must have the form 0001-name.sql or 0001-name.mysql.sql`,
      );
    }
    if (only !== undefined && only !== dialect) continue;
    // The checksum is the same whatever line ends the file has in a working copy.
    const text = (await readFile(path.join(root, fileName), "utf8")).replace(/^\uFEFF/, "").replaceAll(/\r\n?/g, "\n");
    const checksum = createHash("sha256").update(text).digest("hex");
    files.push({ number: Number(number), name, text, checksum });
  }
  files.sort((a, b) => a.number - b.number);
  for (const [index, file] of files.entries()) {
    const next = files[index + 1];
    if (next?.number === file.number) {
      throw new MigrationError("MIGRATION_FILES", `${file.name} and ${next.name} have the same number: renumber one`);
    }
  }
  return files;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(".sql"));
  } catch (cause) {
    throw new MigrationError(
      "MIGRATION_FILES",
      `The folder ${folder} of the migrations cannot be read: create it, or correct its path`,
      { cause },
    );
  }
}

function withScript<T>(database: Database, work: (script: Script) => Promise<T>): Promise<T> {
  if (!isScriptable(database)) throw new TypeError("Migrations need a database that openDatabase opened");
  return database[SCRIPT](work);
}

interface Applied {
  readonly name: string;
  readonly checksum: string;
  /** `null` while the file runs, and after it failed. */
  readonly finished_at: string | null;
}

async function readApplied(script: Script): Promise<ReadonlyMap<number, Applied>> {
  // The same types in every database.
  await script.execute(
    "CREATE TABLE IF NOT EXISTS tsgi_migrations (number BIGINT PRIMARY KEY, name VARCHAR(200) NOT NULL, " +
      "checksum CHAR(64) NOT NULL, started_at VARCHAR(30) NOT NULL, finished_at VARCHAR(30))",
  );
  const rows = await script.query("SELECT number, name, checksum, finished_at FROM tsgi_migrations");
  return new Map((rows as readonly (Applied & { number: number })[]).map((row) => [row.number, row]));
}

/** @throws MigrationError */
function pendingOf(files: readonly MigrationFile[], applied: ReadonlyMap<number, Applied>): readonly MigrationFile[] {
  let last: string | null = null;
  // From the end: files that a newer version has applied and this one does not know are no mistake.
  for (const { number, name, checksum } of files.toReversed()) {
    const row = applied.get(number);
    if (row === undefined) {
      if (last === null) continue;
      throw new MigrationError("MIGRATION_ORDER", `${name} is not applied, but ${last} is: give it a higher number`);
    }
    last ??= name;
    if (row.finished_at === null) {
      throw new MigrationError(
        "MIGRATION_INCOMPLETE",
        `${name} failed in the middle: undo its first statements by hand, delete its row in tsgi_migrations, and run again`,
      );
    }
    if (row.checksum !== checksum) {
      throw new MigrationError(
        "MIGRATION_CHANGED",
        `${name} has changed after it was applied: restore it, and add a new file`,
      );
    }
  }
  return files.filter(({ number }) => !applied.has(number));
}

async function apply(script: Script, file: MigrationFile, dialect: Database["dialect"]): Promise<void> {
  const { number, name, checksum, text } = file;
  await script.execute("INSERT INTO tsgi_migrations (number, name, checksum, started_at) VALUES (?, ?, ?, ?)", [
    number,
    name,
    checksum,
    new Date().toISOString(),
  ]);
  try {
    await script.run(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const state =
      dialect === "sqlite"
        ? "nothing was changed"
        : "statements before that one took effect: undo them by hand and delete the row of this file in tsgi_migrations";
    throw new MigrationError("MIGRATION_FAILED", `${name} failed (${reason}): ${state}`, { cause });
  }
  await script.execute("UPDATE tsgi_migrations SET finished_at = ? WHERE number = ?", [
    new Date().toISOString(),
    number,
  ]);
}
