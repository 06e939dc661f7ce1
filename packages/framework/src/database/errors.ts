/** The one error class of every database, so that a handler can tell a duplicate from an outage without knowing the driver. */

export type DatabaseErrorCode =
  /** The URL is not one that {@link openDatabase} understands. */
  | "DATABASE_URL_INVALID"
  /** Down, lost, or too slow to answer. It may be back for the next request: nothing has to be restarted. */
  | "DATABASE_UNREACHABLE"
  /** Wrong user or password, or a right that the user lacks. */
  | "DATABASE_ACCESS_DENIED"
  /** The server has no database of that name, the URL names none, or the file cannot be opened. */
  | "DATABASE_UNKNOWN"
  /** A unique key already has that value. */
  | "DATABASE_DUPLICATE"
  /** Another constraint: NOT NULL, a foreign key, CHECK. */
  | "DATABASE_CONSTRAINT"
  /** A deadlock, or a lock that was not released in time. The transaction was rolled back and may be tried again. */
  | "DATABASE_BUSY"
  /** The statement or its parameters are wrong. */
  | "DATABASE_QUERY"
  /** The database was used past its own transaction, or a transaction past its end. */
  | "DATABASE_TRANSACTION"
  /** Used after `close`. */
  | "DATABASE_CLOSED";

/**
 * What every {@link Database} throws. The message says what to do and holds neither a password nor a parameter's value that
 * the database did not quote itself; it is for the log, not for a client. `cause` is the driver's own error.
 */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly code: DatabaseErrorCode;
  /** The HTTP status that fits where nobody handles the error: 503 where trying again later may help, else 500. */
  readonly status: 500 | 503;

  constructor(code: DatabaseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = code === "DATABASE_UNREACHABLE" || code === "DATABASE_BUSY" ? 503 : 500;
  }
}
