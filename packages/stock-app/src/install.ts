/** Creates the tables and the first rows of `sql/` in an empty database. A database that has stocks stays as it is. */
import { readFile } from "node:fs/promises";
import { type Database, DatabaseError } from "@tsgi/framework/database";

/**
 * Safe to run in several processes at once: each table is created if it is missing, and the rows are inserted in one transaction
 * with their keys, so that the second process fails on a duplicate and finds the rows of the first.
 * @throws DatabaseError
 */
export async function install(database: Database): Promise<void> {
  if (await hasStocks(database)) return;
  for (const statement of await statementsOf(`schema.${database.dialect}.sql`)) await database.execute(statement);
  const rows = await statementsOf("seed.sql");
  try {
    await database.transaction(async (transaction) => {
      for (const statement of rows) await transaction.execute(statement);
    });
  } catch (error) {
    const lostTheRace = error instanceof DatabaseError && error.code === "DATABASE_DUPLICATE";
    if (!lostTheRace || !(await hasStocks(database))) throw error;
  }
}

/** Checked first, so that a complete database needs no right to create tables. */
async function hasStocks(database: Database): Promise<boolean> {
  const tables = await database.query(FIND_TABLE[database.dialect]);
  if (tables.length === 0) return false;
  const stocks = await database.query("SELECT id FROM info LIMIT 1");
  return stocks.length > 0;
}

const FIND_TABLE = {
  mysql: "SELECT 1 AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'info'",
  sqlite: "SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'info'",
} as const satisfies Record<Database["dialect"], string>;

/** In our files a statement ends with a semicolon at the end of a line. */
async function statementsOf(file: string): Promise<readonly string[]> {
  const text = await readFile(new URL(`../sql/${file}`, import.meta.url), "utf8");
  return text
    .split(/;$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
