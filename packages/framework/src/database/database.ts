/** The database interface, and the one function that opens a database by its URL. */
import { DatabaseError } from "./errors.ts";

export { DatabaseError } from "./errors.ts";
export type { DatabaseErrorCode } from "./errors.ts";

/** What a `?` may stand for. Dates go in as text, such as `2026-01-31 09:30:00`. */
export type DatabaseParameter = string | number | bigint | boolean | null | Uint8Array;

/**
 * A value as it comes out, alike from every database: integers and floating-point numbers are `number`, integers that a
 * `number` cannot hold exactly are their digits as text; text, DATE, TIME and DATETIME, DECIMAL and JSON are `string`; binary
 * columns are `Uint8Array`; NULL is `null`. SQLite has no types for dates and decimals: declare such columns TEXT there.
 */
export type DatabaseValue = string | number | Uint8Array | null;

/** A row as an object: column names to values. */
export type DatabaseRow = Readonly<Record<string, DatabaseValue>>;

export interface ExecuteResult {
  /** Rows inserted, deleted, or matched by an update, whether or not it changed a value. */
  readonly affectedRows: number;
  /** The key that the database gave to the row. Of use only after an INSERT of one row into a table with such a key. */
  readonly insertId: number;
}

/** Runs one statement at a time. Values go in by `?` only; a statement that holds several is refused. */
export interface Queryable {
  /**
   * The rows of a SELECT.
   *
   * `Row` is what the caller knows of the columns; nothing checks it.
   * @throws DatabaseError
   */
  query<Row = DatabaseRow>(sql: string, parameters?: readonly DatabaseParameter[]): Promise<readonly Row[]>;
  /**
   * A statement that gives no rows.
   * @throws DatabaseError
   */
  execute(sql: string, parameters?: readonly DatabaseParameter[]): Promise<ExecuteResult>;
}

export interface Database extends Queryable {
  /** For the few statements that must differ, such as AUTO_INCREMENT and AUTOINCREMENT. */
  readonly dialect: "mysql" | "sqlite";
  /**
   * Commits what `work` did through its argument, or rolls it back where `work` throws, and throws the same. Transactions do
   * not nest, and inside `work` the database itself is out of bounds: that would wait for itself, or run outside the transaction.
   * @throws DatabaseError `DATABASE_TRANSACTION` for such a call; `DATABASE_BUSY` where trying again may help.
   */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>;
  /**
   * Fulfils when the database answers.
   * @throws DatabaseError
   */
  ping(): Promise<void>;
  /** Lets go of everything; calls after it throw `DATABASE_CLOSED`. Further calls give the same promise. */
  close(): Promise<void>;
}

/**
 * Opens the database that a URL names: `mysql://user:password@host:port/name` (or `mariadb:`), `sqlite:./file.db`,
 * `sqlite::memory:`. SQLite opens at once; MySQL connects with the first statement, so `ping` to know early.
 * @throws DatabaseError `DATABASE_URL_INVALID`; `DATABASE_UNKNOWN` where an SQLite file cannot be opened.
 */
export async function openDatabase(url: string): Promise<Database> {
  const scheme = /^[a-z]+(?=:)/i.exec(url)?.[0].toLowerCase();
  // A driver is loaded only where it is used.
  if (scheme === "mysql" || scheme === "mariadb") return (await import("./mysql.ts")).openMysql(url);
  if (scheme === "sqlite") return (await import("./sqlite.ts")).openSqlite(url);
  // The URL is not repeated: it may hold a password.
  throw new DatabaseError(
    "DATABASE_URL_INVALID",
    "The database URL must look like mysql://user:password@host:3306/name, sqlite:./file.db or sqlite::memory:",
  );
}
