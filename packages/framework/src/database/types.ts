/** The database interface. Each implementation follows it, and one suite tests them all. */
import type { Logger } from "@tsgi/gateway-spec";
import type { OutputOf, Schema } from "../validation/schema.ts";

/** A value for a `?`. Numbers must be finite. Dates are text, such as `2026-01-31 09:30:00`. */
export type DatabaseParameter = string | number | bigint | boolean | null | Uint8Array;

/**
 * A value of a column, the same from every database: an integer is a `number`, or its digits as text where a `number` cannot
 * hold it exactly; a floating-point number is a `number`; text, DATE, TIME, DATETIME, JSON and DECIMAL with fraction digits are
 * `string`; DECIMAL without fraction digits, such as the SUM of integers, is an integer; binary columns are `Uint8Array`; NULL
 * is `null`. SQLite has no types for dates and decimals: declare such columns TEXT there.
 */
export type DatabaseValue = string | number | Uint8Array | null;

/** A row: column names to values. */
export type DatabaseRow = Readonly<Record<string, DatabaseValue>>;

/** What a statement without rows did. */
export interface ExecuteResult {
  /** Rows inserted, deleted, or matched by an update, whether or not their values changed. 0 for other statements. */
  readonly affectedRows: number;
  /**
   * The key that the database generated. Meaningful only after an INSERT of one row into a table with such a key; 0 for other
   * statements; NaN for a key beyond 2^53, which a `number` cannot hold exactly.
   */
  readonly insertId: number;
  /** The same key, exact for every table. */
  readonly insertIdBigInt: bigint;
}

/**
 * Runs one statement at a time. Values are passed by `?` only; text with several statements is refused. BEGIN, COMMIT, ROLLBACK,
 * SAVEPOINT, LOCK TABLES and `SET autocommit` are refused: {@link Queryable.transaction} does their work.
 */
export interface Queryable {
  /**
   * The rows of a SELECT, or of the first SELECT of a CALL.
   *
   * `Row` is the caller's claim about the columns; it is not checked.
   * @throws DatabaseError
   */
  query<Row = DatabaseRow>(sql: string, parameters?: readonly DatabaseParameter[]): Promise<readonly Row[]>;
  /**
   * The rows of a SELECT, each checked and converted by a schema (zod or any other Standard Schema).
   * @throws DatabaseError `DATABASE_ROW_INVALID` for a row that does not match.
   */
  query<RowSchema extends Schema>(
    sql: string,
    parameters: readonly DatabaseParameter[],
    schema: RowSchema,
  ): Promise<readonly OutputOf<RowSchema>[]>;
  /**
   * The rows of a SELECT one by one, for results that do not fit into memory. The database sends no faster than the rows are
   * consumed. Inside a transaction, finish the stream before the next statement. On MySQL a stream occupies a connection, and a
   * stream that is left early closes it. On SQLite rows that change while the stream is open may appear in either form.
   * @throws DatabaseError from the iterator, not from the call.
   */
  queryStream<Row = DatabaseRow>(sql: string, parameters?: readonly DatabaseParameter[]): AsyncIterableIterator<Row>;
  queryStream<RowSchema extends Schema>(
    sql: string,
    parameters: readonly DatabaseParameter[],
    schema: RowSchema,
  ): AsyncIterableIterator<OutputOf<RowSchema>>;
  /**
   * Runs a statement that gives no rows.
   * @throws DatabaseError
   */
  execute(sql: string, parameters?: readonly DatabaseParameter[]): Promise<ExecuteResult>;
  /**
   * Commits what `work` did through its argument and gives the result of `work`, or rolls back if `work` throws, and throws the
   * same error. Inside `work` use only its argument. On the argument itself, `transaction` is a savepoint: it rolls back its
   * own part.
   *
   * If the database rolls back by itself (a deadlock), the transaction rejects, whatever `work` caught.
   * @throws DatabaseError `DATABASE_TRANSACTION` for misuse; `DATABASE_BUSY` if another attempt may succeed; `DATABASE_TIMEOUT`.
   */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>;
}

/** The time limit and the repetitions of a transaction. */
export interface TransactionOptions {
  /** Time limit for `work`, in milliseconds; then the transaction is rolled back. Default: `transactionTimeoutMs` of the database. */
  readonly timeoutMs?: number;
  /**
   * How often `work` runs again as a whole, in a new transaction, after a deadlock or a lock that was not released in time.
   * Default 0. Only for a `work` whose effects are all in the database.
   */
  readonly retries?: number;
}

/** The time limit of `ping`. */
export interface PingOptions {
  /** In milliseconds, the wait for a connection included. Default 5000. */
  readonly timeoutMs?: number;
}

/** A pool of connections. A statement, or a transaction, takes one for its duration. */
export interface Database extends Queryable {
  /** For the few statements that must differ, such as AUTO_INCREMENT and AUTOINCREMENT. */
  readonly dialect: "mysql" | "sqlite";
  transaction<T>(work: (transaction: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Fulfils when the database responds: a health check.
   * @throws DatabaseError
   */
  ping(options?: PingOptions): Promise<void>;
  /** Closes all connections; calls after it throw `DATABASE_CLOSED`. Further calls give the same promise. */
  close(): Promise<void>;
}

/** The options of every database. */
export interface DatabaseOptions {
  /** How long a caller waits for a connection, in milliseconds; on SQLite for its turn. Default 10,000. */
  readonly acquireTimeoutMs?: number;
  /** How long a transaction may take, in milliseconds. Default 30,000. */
  readonly transactionTimeoutMs?: number;
  /** Statements that take this long or longer, in milliseconds, are logged with their text, never with parameters. Default: none. */
  readonly slowQueryMs?: number;
  /** Receives the slow statements. Default: the console. */
  readonly logger?: Pick<Logger, "warn">;
}

export const DEFAULT_ACQUIRE_TIMEOUT_MS = 10_000;
export const DEFAULT_TRANSACTION_TIMEOUT_MS = 30_000;
export const DEFAULT_PING_TIMEOUT_MS = 5000;
