/**
 * The database interface on node:sqlite. There is one connection, so all work goes through one queue: a transaction holds the
 * queue until it ends, and no statement of another handler becomes part of it.
 *
 * @module @tsgi/framework/sqlite
 */
import { DatabaseSync } from "node:sqlite";
import type { SQLInputValue, StatementSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { BaseDatabase } from "./base-database.ts";
import { within } from "./deadlines.ts";
import { DatabaseError } from "./errors.ts";
import type { DatabaseErrorCode } from "./errors.ts";
import { SCRIPT, type Script, type Scriptable } from "./script.ts";
import { SerialQueue } from "./serial-queue.ts";
import { SlowQueries } from "./slow-queries.ts";
import { StatementCache } from "./sqlite-statement-cache.ts";
import { assertParameters, readStatement } from "./statement.ts";
import type { Session } from "./transactions.ts";
import { DEFAULT_ACQUIRE_TIMEOUT_MS, DEFAULT_PING_TIMEOUT_MS } from "./types.ts";
import type { Database, DatabaseOptions, DatabaseParameter, DatabaseRow, ExecuteResult, PingOptions } from "./types.ts";

/** How long a statement waits for another process that has locked the file, in milliseconds. It blocks this process. */
const BUSY_TIMEOUT_MS = 5000;

/** How long migrations wait for those of another process, and how long before they ask again, in milliseconds. */
const SCRIPT_LOCK_TIMEOUT_MS = 60_000;
const SCRIPT_LOCK_RETRY_MS = 50;

/** Rows that a stream reads in one turn. */
const STREAM_BATCH = 100;

/**
 * Opens `sqlite:./file.db`, `sqlite:/absolute/file.db` or `sqlite::memory:`. Foreign keys are enforced; a file is in WAL mode and
 * is created if it does not exist.
 * @throws DatabaseError `DATABASE_URL_INVALID`; `DATABASE_UNKNOWN` if the file cannot be opened or is not a database.
 */
export function openSqlite(url: string, options: DatabaseOptions = {}): Database {
  const location = locationOf(url);
  try {
    const connection = new DatabaseSync(location, { enableForeignKeyConstraints: true });
    connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (location !== ":memory:") connection.exec("PRAGMA journal_mode = WAL");
    return new SqliteDatabase(connection, options);
  } catch (error) {
    throw toDatabaseError(error, location);
  }
}

/** `sqlite:` is followed by a path, or by a path after an empty authority. */
function locationOf(url: string): string {
  const location = /^sqlite:(?:\/\/(?=\/))?(.+)$/i.exec(url)?.[1];
  const reason =
    location === undefined
      ? ""
      : location.startsWith("//")
        ? `; for a file in the working directory write sqlite:./${location.slice(2)}`
        : /[?#]/.test(location)
          ? "; it has no options, and a file name must not contain ? or #"
          : null;
  if (location !== undefined && reason === null) return location;
  throw new DatabaseError(
    "DATABASE_URL_INVALID",
    `An SQLite URL must look like sqlite:./file.db, sqlite:/absolute/file.db or sqlite::memory:${reason}`,
  );
}

class SqliteDatabase extends BaseDatabase implements Scriptable {
  readonly dialect = "sqlite";
  readonly #connection: Connection;
  readonly #queue: SerialQueue;

  constructor(connection: DatabaseSync, options: DatabaseOptions) {
    // IMMEDIATE takes the write lock here, where SQLite waits for it; in the middle of a transaction it would fail.
    super("BEGIN IMMEDIATE", options);
    const { acquireTimeoutMs = DEFAULT_ACQUIRE_TIMEOUT_MS } = options;
    this.#connection = new Connection(connection, new SlowQueries(options));
    this.#queue = new SerialQueue(
      acquireTimeoutMs,
      () =>
        new DatabaseError(
          "DATABASE_BUSY",
          `The database was not free within ${acquireTimeoutMs} ms: another transaction has not ended`,
        ),
    );
  }

  async ping({ timeoutMs = DEFAULT_PING_TIMEOUT_MS }: PingOptions = {}): Promise<void> {
    await within(
      this.query("SELECT 1"),
      timeoutMs,
      () => new DatabaseError("DATABASE_TIMEOUT", `The database did not respond within ${timeoutMs} ms`),
    );
  }

  protected rows(sql: string, parameters: readonly DatabaseParameter[]): Promise<readonly DatabaseRow[]> {
    return this.#enqueue(() => this.#connection.query(sql, parameters));
  }

  protected stream(sql: string, parameters: readonly DatabaseParameter[]): AsyncIterableIterator<DatabaseRow> {
    return this.#connection.stream(sql, parameters, (batch) => this.#enqueue(batch));
  }

  protected result(sql: string, parameters: readonly DatabaseParameter[]): Promise<ExecuteResult> {
    return this.#enqueue(() => this.#connection.execute(sql, parameters));
  }

  protected inSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#enqueue(() => work(this.#connection));
  }

  protected release(): Promise<void> {
    return this.#queue.run(() => this.#connection.close());
  }

  async [SCRIPT]<T>(work: (script: Script) => Promise<T>): Promise<T> {
    return this.#enqueue(() => this.#connection.script(work));
  }

  async #enqueue<T>(work: () => T | Promise<T>): Promise<T> {
    this.assertUsable();
    return this.#queue.run(work);
  }
}

class Connection implements Session {
  readonly #connection: DatabaseSync;
  readonly #slow: SlowQueries;
  readonly #statements = new StatementCache((sql) => this.#prepare(sql));

  constructor(connection: DatabaseSync, slow: SlowQueries) {
    this.#connection = connection;
    this.#slow = slow;
  }

  async query(sql: string, parameters: readonly DatabaseParameter[]): Promise<readonly DatabaseRow[]> {
    return this.#measured(sql, () => {
      const { statement } = this.#statement(sql, parameters);
      return statement.all(...parameters.map(toInput)).map(toRow);
    });
  }

  async execute(sql: string, parameters: readonly DatabaseParameter[]): Promise<ExecuteResult> {
    return this.#measured(sql, () => {
      const { statement, keyword } = this.#statement(sql, parameters);
      const { changes, lastInsertRowid } = statement.run(...parameters.map(toInput));
      // SQLite keeps both numbers of the last statement that had them.
      const affectedRows = COUNTED.has(keyword) ? Number(changes) : 0;
      const insertIdBigInt = INSERTING.has(keyword) && affectedRows > 0 ? BigInt(lastInsertRowid) : 0n;
      return { affectedRows, insertId: toExactNumber(insertIdBigInt), insertIdBigInt };
    });
  }

  /** @param turn runs each batch; the rows of other statements may change between two batches. */
  async *stream(
    sql: string,
    parameters: readonly DatabaseParameter[],
    turn: <T>(batch: () => T) => T | Promise<T> = (batch) => batch(),
  ): AsyncGenerator<DatabaseRow, void> {
    // The iterator of Node 22.13 does not keep its statement alive.
    const cursor = await turn(() =>
      this.#caught(() => {
        assertParameters("sqlite", readStatement("sqlite", sql), parameters);
        const statement = this.#prepare(sql);
        return { statement, rows: statement.iterate(...parameters.map(toInput)) };
      }),
    );
    try {
      for (;;) {
        const batch = await turn(() => this.#caught(() => takeRows(cursor.rows)));
        yield* batch;
        if (batch.length < STREAM_BATCH) return;
      }
    } finally {
      try {
        // A statement that is not reset would keep its read lock.
        cursor.rows.return?.();
      } catch {
        // The database was closed, which has reset it.
      }
    }
  }

  async control(sql: string): Promise<void> {
    this.exec(sql);
  }

  isInTransaction(): boolean {
    const { isTransaction }: { readonly isTransaction?: boolean } = this.#connection;
    return isTransaction ?? this.#probeTransaction();
  }

  /** For Node 22.13, which does not have the property: transactions do not nest. */
  #probeTransaction(): boolean {
    try {
      this.#connection.exec("BEGIN");
    } catch {
      return true;
    }
    this.#connection.exec("ROLLBACK");
    return false;
  }

  abort(): void {
    try {
      this.exec("ROLLBACK");
    } catch {
      // Some errors, such as a full disk, have rolled back already.
    }
  }

  /** Runs all statements of a text. @throws DatabaseError */
  exec(sql: string): void {
    this.#caught(() => this.#connection.exec(sql));
  }

  /** The lock of the file makes other processes wait, and one transaction makes all changes or none. */
  async script<T>(work: (script: Script) => Promise<T>): Promise<T> {
    await this.#lock();
    try {
      const result = await work({
        query: (sql, parameters = []) => this.query(sql, parameters),
        execute: (sql, parameters = []) => this.execute(sql, parameters),
        run: async (text) => this.exec(text),
      });
      this.exec("COMMIT");
      return result;
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Waits without blocking the process: the holder of the lock may be in it. */
  async #lock(): Promise<void> {
    const deadline = performance.now() + SCRIPT_LOCK_TIMEOUT_MS;
    this.exec("PRAGMA busy_timeout = 0");
    try {
      for (;;) {
        try {
          this.exec("BEGIN IMMEDIATE");
          return;
        } catch (error) {
          const isBusy = error instanceof DatabaseError && error.code === "DATABASE_BUSY";
          if (!isBusy || performance.now() > deadline) throw error;
        }
        await delay(SCRIPT_LOCK_RETRY_MS);
      }
    } finally {
      this.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  close(): void {
    this.#connection.close();
  }

  /** For a call that runs the statement to its end. */
  #statement(sql: string, parameters: readonly DatabaseParameter[]): { statement: StatementSync; keyword: string } {
    const text = readStatement("sqlite", sql);
    assertParameters("sqlite", text, parameters);
    return { statement: this.#statements.get(sql), keyword: text.keyword };
  }

  /** SQLite ignores the text after the first statement; here it is an error. */
  #prepare(sql: string): StatementSync {
    const statement = this.#connection.prepare(sql);
    const rest = sql.slice(statement.sourceSQL.length).replaceAll(COMMENT, "");
    if (/[^\s;]/.test(rest)) throw new DatabaseError("DATABASE_QUERY", "Only one statement may be given at a time");
    // Otherwise node:sqlite throws for an integer beyond 2^53: for a new key only after the row is inserted.
    statement.setReadBigInts(true);
    return statement;
  }

  #measured<T>(sql: string, run: () => T): T {
    const startedAt = performance.now();
    try {
      return this.#caught(run);
    } finally {
      this.#slow.ended(sql, startedAt);
    }
  }

  #caught<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw toDatabaseError(error);
    }
  }
}

function takeRows(rows: NodeJS.Iterator<object>): readonly DatabaseRow[] {
  const batch: DatabaseRow[] = [];
  while (batch.length < STREAM_BATCH) {
    const { done, value } = rows.next();
    if (done === true) break;
    batch.push(toRow(value));
  }
  return batch;
}

const COMMENT = /--[^\n]*|\/\*[^]*?(?:\*\/|$)/g;
const INSERTING: ReadonlySet<string> = new Set(["INSERT", "REPLACE"]);
const COUNTED: ReadonlySet<string> = new Set([...INSERTING, "UPDATE", "DELETE"]);

/** node:sqlite binds every number as a float, which a TEXT column would keep as `7.0`; and Node 22 takes no boolean. */
function toInput(value: DatabaseParameter): SQLInputValue {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  return value;
}

function toRow(row: object): DatabaseRow {
  return Object.fromEntries(Object.entries(row).map(toColumn)) as DatabaseRow;
}

function toColumn([name, value]: [string, unknown]): [string, unknown] {
  if (typeof value !== "bigint") return [name, value];
  const number = Number(value);
  return [name, Number.isSafeInteger(number) ? number : String(value)];
}

function toExactNumber(value: bigint): number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : Number.NaN;
}

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const CODES: Readonly<Record<number, DatabaseErrorCode>> = {
  3: "DATABASE_ACCESS_DENIED", // PERM
  5: "DATABASE_BUSY",
  6: "DATABASE_BUSY", // LOCKED
  8: "DATABASE_ACCESS_DENIED", // READONLY
  10: "DATABASE_UNREACHABLE", // IOERR
  14: "DATABASE_UNKNOWN", // CANTOPEN
  18: "DATABASE_VALUE_INVALID", // TOOBIG
  19: "DATABASE_CONSTRAINT",
  20: "DATABASE_VALUE_INVALID", // MISMATCH
  26: "DATABASE_UNKNOWN", // NOTADB
};

/** Extended codes of CONSTRAINT: PRIMARYKEY, UNIQUE and ROWID. */
const DUPLICATE = new Set([1555, 2067, 2579]);
/** DATATYPE: a value that a STRICT table refuses. */
const DATATYPE = 3091;

function toDatabaseError(cause: unknown, location?: string): DatabaseError {
  if (cause instanceof DatabaseError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const errcode = cause instanceof Error && "errcode" in cause ? Number(cause.errcode) : 0;
  const message =
    location === undefined
      ? `SQLite: ${text}`
      : `Cannot open the SQLite database ${location} (${text}): its folder must exist, and the file must be writable and an SQLite database`;
  return new DatabaseError(codeOf(errcode), message, { cause });
}

function codeOf(errcode: number): DatabaseErrorCode {
  if (DUPLICATE.has(errcode)) return "DATABASE_DUPLICATE";
  if (errcode === DATATYPE) return "DATABASE_VALUE_INVALID";
  return CODES[errcode & 0xff] ?? "DATABASE_QUERY";
}
