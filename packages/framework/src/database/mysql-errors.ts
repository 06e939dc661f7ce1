/** Maps the error codes of server and driver to ours. */
import { DatabaseError } from "./errors.ts";
import type { DatabaseErrorCode } from "./errors.ts";
import type { MysqlAddress } from "./mysql-url.ts";

/** By the symbol that the driver has for a number. */
const CODES: Readonly<Record<string, DatabaseErrorCode>> = {
  ER_ACCESS_DENIED_ERROR: "DATABASE_ACCESS_DENIED",
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: "DATABASE_ACCESS_DENIED",
  ER_DBACCESS_DENIED_ERROR: "DATABASE_ACCESS_DENIED",
  ER_TABLEACCESS_DENIED_ERROR: "DATABASE_ACCESS_DENIED",
  ER_COLUMNACCESS_DENIED_ERROR: "DATABASE_ACCESS_DENIED",
  ER_SPECIFIC_ACCESS_DENIED_ERROR: "DATABASE_ACCESS_DENIED",
  ER_HOST_NOT_PRIVILEGED: "DATABASE_ACCESS_DENIED",
  ER_NOT_SUPPORTED_AUTH_MODE: "DATABASE_ACCESS_DENIED",
  ER_BAD_DB_ERROR: "DATABASE_UNKNOWN",
  ER_NO_DB_ERROR: "DATABASE_UNKNOWN",
  ER_DUP_ENTRY: "DATABASE_DUPLICATE",
  ER_DUP_ENTRY_WITH_KEY_NAME: "DATABASE_DUPLICATE",
  ER_BAD_NULL_ERROR: "DATABASE_CONSTRAINT",
  ER_NO_DEFAULT_FOR_FIELD: "DATABASE_CONSTRAINT",
  ER_ROW_IS_REFERENCED: "DATABASE_CONSTRAINT",
  ER_ROW_IS_REFERENCED_2: "DATABASE_CONSTRAINT",
  ER_NO_REFERENCED_ROW: "DATABASE_CONSTRAINT",
  ER_NO_REFERENCED_ROW_2: "DATABASE_CONSTRAINT",
  ER_CHECK_CONSTRAINT_VIOLATED: "DATABASE_CONSTRAINT",
  ER_TRUNCATED_WRONG_VALUE_FOR_FIELD: "DATABASE_VALUE_INVALID",
  ER_TRUNCATED_WRONG_VALUE: "DATABASE_VALUE_INVALID",
  ER_WRONG_VALUE: "DATABASE_VALUE_INVALID",
  ER_DATA_TOO_LONG: "DATABASE_VALUE_INVALID",
  ER_WARN_DATA_OUT_OF_RANGE: "DATABASE_VALUE_INVALID",
  ER_DATA_OUT_OF_RANGE: "DATABASE_VALUE_INVALID",
  WARN_DATA_TRUNCATED: "DATABASE_VALUE_INVALID",
  ER_INVALID_CHARACTER_STRING: "DATABASE_VALUE_INVALID",
  ER_CANNOT_CONVERT_STRING: "DATABASE_VALUE_INVALID",
  // The server rolled back the statement or the transaction, so it may run again.
  ER_LOCK_DEADLOCK: "DATABASE_BUSY",
  ER_USER_LOCK_DEADLOCK: "DATABASE_BUSY",
  ER_LOCK_WAIT_TIMEOUT: "DATABASE_BUSY",
  ER_LOCK_NOWAIT: "DATABASE_BUSY",
  ER_LOCK_TABLE_FULL: "DATABASE_BUSY",
  // MariaDB: a row changed after the snapshot of the transaction was taken.
  ER_CHECKREAD: "DATABASE_BUSY",
  // A migration changed the table.
  ER_TABLE_DEF_CHANGED: "DATABASE_BUSY",
  ER_NEED_REPREPARE: "DATABASE_BUSY",
  // KILL QUERY, or a node of a Galera cluster that applies a write of another node.
  ER_QUERY_INTERRUPTED: "DATABASE_BUSY",
  ER_TOO_MANY_CONCURRENT_TRXS: "DATABASE_BUSY",
  ER_MAX_PREPARED_STMT_COUNT_REACHED: "DATABASE_BUSY",
  ER_CON_COUNT_ERROR: "DATABASE_UNREACHABLE",
  ER_TOO_MANY_USER_CONNECTIONS: "DATABASE_UNREACHABLE",
  ER_USER_LIMIT_REACHED: "DATABASE_UNREACHABLE",
  ER_HOST_IS_BLOCKED: "DATABASE_UNREACHABLE",
  ER_OUT_OF_RESOURCES: "DATABASE_UNREACHABLE",
  // A node of a Galera cluster that joins, or that has lost the others (1047); during COMMIT 1180.
  ER_UNKNOWN_COM_ERROR: "DATABASE_UNREACHABLE",
  ER_ERROR_DURING_COMMIT: "DATABASE_UNREACHABLE",
  // A member of MySQL's group replication that has lost the others.
  ER_RUN_HOOK_ERROR: "DATABASE_UNREACHABLE",
  // After a failover the address may lead to a replica.
  ER_OPTION_PREVENTS_STATEMENT: "DATABASE_UNREACHABLE",
  ER_READ_ONLY_MODE: "DATABASE_UNREACHABLE",
  ER_SERVER_SHUTDOWN: "DATABASE_UNREACHABLE",
  ER_SERVER_ISNT_AVAILABLE: "DATABASE_UNREACHABLE",
  ER_CLIENT_INTERACTION_TIMEOUT: "DATABASE_UNREACHABLE",
  PROTOCOL_CONNECTION_LOST: "DATABASE_UNREACHABLE",
  // MySQL: max_execution_time.
  ER_QUERY_TIMEOUT: "DATABASE_TIMEOUT",
};

/** Numbers of MariaDB that the driver has no symbol for: a killed connection, and a statement that exceeded max_statement_time. */
const NUMBERS: Readonly<Record<number, DatabaseErrorCode>> = {
  1927: "DATABASE_UNREACHABLE",
  1969: "DATABASE_TIMEOUT",
};

/** The classes of SQLSTATE (ISO/IEC 9075-2, 24.1), for numbers that are in no table. */
const CLASSES: Readonly<Record<string, DatabaseErrorCode>> = {
  "08": "DATABASE_UNREACHABLE",
  "22": "DATABASE_VALUE_INVALID",
  "23": "DATABASE_CONSTRAINT",
  "40": "DATABASE_BUSY",
};

/** @param otherwise the code of an error that is in no table and has no number of the server. */
export function toDatabaseError(
  cause: unknown,
  address: MysqlAddress,
  otherwise: DatabaseErrorCode = "DATABASE_QUERY",
): DatabaseError {
  if (cause instanceof DatabaseError) return cause;
  const error: DriverError = cause instanceof Error ? cause : new Error(String(cause));
  const code =
    CODES[error.code ?? ""] ??
    NUMBERS[error.errno ?? 0] ??
    CLASSES[error.sqlState?.slice(0, 2) ?? ""] ??
    // A system call or a fatal error is the socket's. A column name that the driver refuses is fatal too.
    (error.syscall !== undefined || (error.fatal === true && !isColumnName(error))
      ? "DATABASE_UNREACHABLE"
      : otherwise);
  return new DatabaseError(code, explain(code, error, address), { cause });
}

/** The driver refuses columns named `__proto__` while it reads the response, and so loses the connection. */
function isColumnName({ message }: Error): boolean {
  return message.startsWith("The field name (");
}

function explain(code: DatabaseErrorCode, error: DriverError, address: MysqlAddress): string {
  const { user, database } = address;
  const text = error.message || (error.code ?? "no reason given");
  const server = `the database server at ${address.socketPath ?? `${address.host}:${address.port}`}`;
  if (code === "DATABASE_UNREACHABLE" && error.sqlState !== undefined) {
    return `${capitalized(server)} refuses to work (${text}): look into its log`;
  }
  if (code === "DATABASE_UNREACHABLE") {
    return `Cannot reach ${server} (${text}): start it, or correct host and port in the database URL`;
  }
  if (code === "DATABASE_ACCESS_DENIED") {
    return `User "${user}" was refused by ${server} (${text}): correct user and password in the database URL, or grant the right`;
  }
  if (code === "DATABASE_UNKNOWN" && database === "") {
    return `The database URL names no database of ${server}: write its name at the end, as in mysql://user@host/name`;
  }
  if (code === "DATABASE_UNKNOWN") {
    return `There is no database "${database}" on ${server}: create it, or correct the name in the database URL`;
  }
  return `MySQL: ${text}`;
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** What the driver adds to its errors. */
interface DriverError extends Error {
  /** The symbol of the server, of a system call or of the driver. */
  readonly code?: string;
  readonly errno?: number;
  /** Five characters, of errors that the server sent. */
  readonly sqlState?: string;
  readonly syscall?: string;
  /** Whether the connection is lost with it. */
  readonly fatal?: boolean;
}
