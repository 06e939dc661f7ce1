/**
 * The database interface, and the one function that opens a database by its URL.
 *
 * @module @tsgi/framework/database
 */
import { DatabaseError } from "./errors.ts";
import type { Database, DatabaseOptions } from "./types.ts";

export { DatabaseError } from "./errors.ts";
export type { DatabaseErrorCode } from "./errors.ts";
export type {
  Database,
  DatabaseOptions,
  DatabaseParameter,
  DatabaseRow,
  DatabaseValue,
  ExecuteResult,
  PingOptions,
  Queryable,
  TransactionOptions,
} from "./types.ts";

/**
 * Opens the database that a URL names: `mysql://user:password@host:port/name` (or `mariadb:`), `sqlite:./file.db`,
 * `sqlite::memory:`. SQLite opens at once; MySQL connects with the first statement, so `ping` to know early. The options of one
 * database alone are those of `openMysql` and of its URL.
 * @throws DatabaseError `DATABASE_URL_INVALID`; `DATABASE_UNKNOWN` if an SQLite file cannot be opened.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const scheme = /^[a-z]+(?=:)/i.exec(url)?.[0].toLowerCase();
  // Only the driver in use is loaded.
  if (scheme === "mysql" || scheme === "mariadb") return (await import("./mysql.ts")).openMysql(url, options);
  if (scheme === "sqlite") return (await import("./sqlite.ts")).openSqlite(url, options);
  // The URL is not repeated: it may hold a password.
  throw new DatabaseError(
    "DATABASE_URL_INVALID",
    "The database URL must look like mysql://user:password@host:3306/name, sqlite:./file.db or sqlite::memory:",
  );
}
