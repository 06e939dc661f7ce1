/** The one error class of every database, so that a handler can distinguish a duplicate from an outage without the driver's codes. */

/** The codes of {@link DatabaseError}, the same for every database; `docs/errors.md` says what to do about each. */
export type DatabaseErrorCode =
  /** The URL is not one that {@link openDatabase} understands. */
  | "DATABASE_URL_INVALID"
  /**
   * The server is down, the connection is lost, or the server refuses to work: too many connections, a node without its cluster, a
   * replica after a failover. The connection is closed. The next request may succeed: nothing has to be restarted.
   */
  | "DATABASE_UNREACHABLE"
  /** The user or password is wrong, or the user lacks a right. */
  | "DATABASE_ACCESS_DENIED"
  /** The server has no database of that name, the URL names none, or the file cannot be opened. */
  | "DATABASE_UNKNOWN"
  /** A unique key already has that value. */
  | "DATABASE_DUPLICATE"
  /** Another constraint: NOT NULL, a foreign key, CHECK. */
  | "DATABASE_CONSTRAINT"
  /** A column cannot hold the value: it is too long, out of range, malformed, or has characters outside of the column's character set. */
  | "DATABASE_VALUE_INVALID"
  /**
   * A deadlock, a lock that was not released in time, a statement that was interrupted, a table that a migration changed, or no free
   * connection. Nothing was changed; another attempt may succeed.
   */
  | "DATABASE_BUSY"
  /** A statement or a transaction exceeded its time limit. A transaction was rolled back. */
  | "DATABASE_TIMEOUT"
  /** The statement or its parameters are wrong. */
  | "DATABASE_QUERY"
  /** A row does not match the schema that was given for it. */
  | "DATABASE_ROW_INVALID"
  /** The database was used beside its own transaction, or a transaction after its end. */
  | "DATABASE_TRANSACTION"
  /** The database was used after `close`. */
  | "DATABASE_CLOSED";

/** 503: another attempt may succeed later. */
const TEMPORARY: ReadonlySet<DatabaseErrorCode> = new Set([
  "DATABASE_UNREACHABLE",
  "DATABASE_BUSY",
  "DATABASE_TIMEOUT",
]);

/**
 * What every {@link Database} throws. The message says what to do. It holds no password and no value of a parameter, unless the
 * database itself quotes a value; it is for the log, not for a client. `cause` is the driver's own error.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly code: DatabaseErrorCode;
  /** The HTTP status for an error that no handler catches. */
  readonly status: 500 | 503;

  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = TEMPORARY.has(code) ? 503 : 500;
  }
}
