/** Creates the tables of `sql/` that are missing, and fills the empty ones with sample rows. What has rows stays as it is. */
import { readFile } from "node:fs/promises";
import { type Database, DatabaseError } from "@tsgi/framework/database";

/** What belongs together: a file for each, and the table whose rows say that it is complete. */
const PARTS = [
  { name: "stocks", table: "info" },
  { name: "followed", table: "focus_version" },
  { name: "people", table: "account" },
] as const;

/**
 * Safe to run in several processes at once: each table is created if it is missing, and the rows of a part are inserted in one
 * transaction with their keys, so that the second process fails on a duplicate and finds the rows of the first.
 * @throws DatabaseError
 */
export async function install(database: Database): Promise<void> {
  for (const { name, table } of PARTS) {
    if (await hasRows(database, table)) continue;
    for (const statement of await statementsOf(`${name}.${database.dialect}.sql`)) await database.execute(statement);
    const rows = await statementsOf(`${name}.sql`);
    try {
      await database.transaction(async (transaction) => {
        for (const statement of rows) await transaction.execute(statement);
      });
    } catch (error) {
      const lostTheRace = error instanceof DatabaseError && error.code === "DATABASE_DUPLICATE";
      if (!lostTheRace || !(await hasRows(database, table))) throw error;
    }
  }
}

/** Checked first, so that a complete database needs no right to create tables. */
async function hasRows(database: Database, table: string): Promise<boolean> {
  const tables = await database.query(FIND_TABLE[database.dialect], [table]);
  if (tables.length === 0) return false;
  const rows = await database.query(`SELECT 1 AS found FROM ${table} LIMIT 1`);
  return rows.length > 0;
}

const FIND_TABLE = {
  mysql: "SELECT 1 AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
  sqlite: "SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = ?",
} as const satisfies Record<Database["dialect"], string>;

/** In our files a statement ends with a semicolon at the end of a line. */
async function statementsOf(file: string): Promise<readonly string[]> {
  const text = await readFile(new URL(`../sql/${file}`, import.meta.url), "utf8");
  return text
    .split(/;$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
