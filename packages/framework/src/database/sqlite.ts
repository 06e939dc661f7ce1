/**
 * The database interface on node:sqlite. There is one connection, so all work goes through one queue: a transaction holds the
 * queue until it ends, and no other handler's statement can slip into it.
 */
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, StatementSync } from "node:sqlite";

import type { Database, DatabaseParameter, ExecuteResult, Queryable } from "./database.ts";
import { DatabaseError } from "./errors.ts";
import type { DatabaseErrorCode } from "./errors.ts";
import { assertParameters } from "./placeholders.ts";
import { TransactionScope } from "./transaction-scope.ts";

/** How long a statement waits for another process that holds the file, in milliseconds. It blocks this process. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens `sqlite:./file.db` or `sqlite::memory:`. Foreign keys are enforced; a file is in WAL mode and is made where it is missing.
 * @throws DatabaseError `DATABASE_URL_INVALID`; `DATABASE_UNKNOWN` where the file cannot be opened or is no database.
 */
export function openSqlite(url: string): Database {
  const location = /^sqlite:(?:\/\/(?=\/))?(.+)$/i.exec(url)?.[1];
  if (location === undefined) {
    throw new DatabaseError("DATABASE_URL_INVALID", "An SQLite URL must look like sqlite:./file.db or sqlite::memory:");
  }
  try {
    const connection = new DatabaseSync(location, { enableForeignKeyConstraints: true });
    connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (location !== ":memory:") connection.exec("PRAGMA journal_mode = WAL");
    return new SqliteDatabase(connection);
  } catch (error) {
    throw toDatabaseError(error, location);
  }
}

class SqliteDatabase implements Database {
  readonly dialect = "sqlite";
  readonly #connection: DatabaseSync;
  readonly #scope = new TransactionScope();
  #tail: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  async query<Row>(sql: string, parameters: readonly DatabaseParameter[] = []): Promise<readonly Row[]> {
    return this.#enqueue(() => queryRows<Row>(this.#connection, sql, parameters));
  }

  async execute(sql: string, parameters: readonly DatabaseParameter[] = []): Promise<ExecuteResult> {
    return this.#enqueue(() => executeStatement(this.#connection, sql, parameters));
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    return this.#enqueue(async () => {
      const connection = this.#connection;
      // IMMEDIATE takes the write lock now, where waiting helps, not in the middle, where SQLite can only give up.
      executeStatement(connection, "BEGIN IMMEDIATE", []);
      try {
        const result = await this.#scope.run(
          {
            query: async (sql, parameters = []) => queryRows(connection, sql, parameters),
            execute: async (sql, parameters = []) => executeStatement(connection, sql, parameters),
          },
          work,
        );
        executeStatement(connection, "COMMIT", []);
        return result;
      } catch (error) {
        try {
          connection.exec("ROLLBACK");
        } catch {
          // Some errors, such as a full disk, have rolled back already.
        }
        throw error;
      }
    });
  }

  async ping(): Promise<void> {
    await this.query("SELECT 1");
  }

  close(): Promise<void> {
    this.#closing ??= this.#tail.then(() => this.#connection.close());
    return this.#closing;
  }

  #enqueue<T>(work: () => T | Promise<T>): Promise<T> {
    this.#scope.assertOutside();
    if (this.#closing !== null) throw new DatabaseError("DATABASE_CLOSED", "The database was closed");
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => {});
    return result;
  }
}

function queryRows<Row>(connection: DatabaseSync, sql: string, parameters: readonly DatabaseParameter[]): Row[] {
  try {
    const statement = prepare(connection, sql, parameters);
    // Without this, node:sqlite refuses rows with integers beyond 2^53.
    statement.setReadBigInts(true);
    const rows = statement.all(...parameters.map(toInput));
    // The caller says what the columns are; see `query`.
    return rows.map((row) => Object.fromEntries(Object.entries(row).map(toColumn))) as Row[];
  } catch (error) {
    throw toDatabaseError(error);
  }
}

function executeStatement(
  connection: DatabaseSync,
  sql: string,
  parameters: readonly DatabaseParameter[],
): ExecuteResult {
  try {
    const { changes, lastInsertRowid } = prepare(connection, sql, parameters).run(...parameters.map(toInput));
    return { affectedRows: Number(changes), insertId: Number(lastInsertRowid) };
  } catch (error) {
    throw toDatabaseError(error);
  }
}

/** SQLite itself ignores what follows the first statement; we refuse it. */
function prepare(connection: DatabaseSync, sql: string, parameters: readonly DatabaseParameter[]): StatementSync {
  assertParameters("sqlite", sql, parameters);
  const statement = connection.prepare(sql);
  const rest = sql.slice(statement.sourceSQL.length).replaceAll(COMMENT, "");
  if (/[^\s;]/.test(rest)) throw new DatabaseError("DATABASE_QUERY", "Only one statement may be given at a time");
  return statement;
}

const COMMENT = /--[^\n]*|\/\*[^]*?(?:\*\/|$)/g;

/** node:sqlite binds every number as a float, which a TEXT column would keep as `7.0`; and Node 22 takes no boolean. */
function toInput(value: DatabaseParameter): SQLInputValue {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  return value;
}

function toColumn([name, value]: [string, unknown]): [string, unknown] {
  if (typeof value !== "bigint") return [name, value];
  const number = Number(value);
  return [name, Number.isSafeInteger(number) ? number : String(value)];
}

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const CODES: Readonly<Record<number, DatabaseErrorCode>> = {
  3: "DATABASE_ACCESS_DENIED", // PERM
  5: "DATABASE_BUSY",
  6: "DATABASE_BUSY", // LOCKED
  8: "DATABASE_ACCESS_DENIED", // READONLY
  10: "DATABASE_UNREACHABLE", // IOERR
  14: "DATABASE_UNKNOWN", // CANTOPEN
  19: "DATABASE_CONSTRAINT",
  26: "DATABASE_UNKNOWN", // NOTADB
};

/** Extended codes of CONSTRAINT: PRIMARYKEY, UNIQUE and ROWID. */
const DUPLICATE = new Set([1555, 2067, 2579]);

function toDatabaseError(cause: unknown, location?: string): DatabaseError {
  if (cause instanceof DatabaseError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const errcode = cause instanceof Error && "errcode" in cause ? Number(cause.errcode) : 0;
  const code = DUPLICATE.has(errcode) ? "DATABASE_DUPLICATE" : (CODES[errcode & 0xff] ?? "DATABASE_QUERY");
  const message =
    location === undefined
      ? `SQLite: ${text}`
      : `Cannot open the SQLite database ${location} (${text}): its folder must exist, and the file must be writable and an SQLite database`;
  return new DatabaseError(code, message, { cause });
}
