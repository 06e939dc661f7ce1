/** The database interface on MySQL and MariaDB: a pool of mysql2 connections, prepared statements. */
import mysql from "mysql2/promise";
import type { Pool, PoolConnection, ResultSetHeader, RowDataPacket } from "mysql2/promise";

import type { Database, DatabaseParameter, ExecuteResult, Queryable } from "./database.ts";
import { DatabaseError } from "./errors.ts";
import { toDatabaseError } from "./mysql-errors.ts";
import type { MysqlAddress } from "./mysql-errors.ts";
import { assertParameters } from "./placeholders.ts";
import { TransactionScope } from "./transaction-scope.ts";

export interface MysqlOptions {
  /** Connections in the pool. Default 10. */
  readonly maxConnections?: number;
  /** Callers that may wait for a connection; one more is turned away at once. Default 1000. */
  readonly maxQueue?: number;
  /** How long to wait for the server to take a new connection, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** How long a caller waits for a connection, in milliseconds. Default 10,000. */
  readonly acquireTimeoutMs?: number;
  /** How long a statement may take, in milliseconds; its connection is dropped then. Default 30,000. */
  readonly statementTimeoutMs?: number;
}

/**
 * Opens `mysql://user:password@host:port/name` (or `mariadb:`); the port is 3306 where none is named. Connects with the first
 * statement. A connection that fails leaves the pool, and the next statement makes a new one, so a server that was lost is in
 * use again as soon as it is back. No statement is repeated: only the caller knows whether that is safe.
 * @throws DatabaseError `DATABASE_URL_INVALID`
 */
export function openMysql(url: string, options: MysqlOptions = {}): Database {
  return new MysqlDatabase(parseUrl(url), options);
}

interface Credentials extends MysqlAddress {
  readonly password: string;
}

class MysqlDatabase implements Database {
  readonly dialect = "mysql";
  readonly #pool: Pool;
  readonly #address: MysqlAddress;
  readonly #acquireTimeoutMs: number;
  readonly #statementTimeoutMs: number;
  readonly #scope = new TransactionScope();
  #closing: Promise<void> | null = null;

  constructor({ password, ...address }: Credentials, options: MysqlOptions) {
    this.#address = address;
    this.#acquireTimeoutMs = options.acquireTimeoutMs ?? 10_000;
    this.#statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
    this.#pool = mysql.createPool({
      ...address,
      password,
      charset: "utf8mb4_unicode_ci",
      connectionLimit: options.maxConnections ?? 10,
      queueLimit: options.maxQueue ?? 1000,
      connectTimeout: options.connectTimeoutMs ?? 5000,
      maxPreparedStatements: 256,
      // The value shapes of `DatabaseValue`.
      dateStrings: true,
      jsonStrings: true,
      supportBigNumbers: true,
      // A server must not be able to ask this process for files.
      flags: ["-LOCAL_FILES"],
      // Our error is made where the caller awaits, so the driver need not keep a stack for each statement.
      trace: false,
    });
    // An idle connection may fail more than once (reset, then closed); the pool listens only for the first time.
    this.#pool.on("connection", (connection) => void connection.on("error", () => {}));
  }

  async query<Row>(sql: string, parameters: readonly DatabaseParameter[] = []): Promise<readonly Row[]> {
    return this.#connected((queryable) => queryable.query<Row>(sql, parameters));
  }

  async execute(sql: string, parameters: readonly DatabaseParameter[] = []): Promise<ExecuteResult> {
    return this.#connected((queryable) => queryable.execute(sql, parameters));
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    return this.#connected(async (queryable, connection) => {
      await this.#bounded(connection, connection.beginTransaction());
      try {
        const result = await this.#scope.run(queryable, work);
        await this.#bounded(connection, connection.commit());
        return result;
      } catch (error) {
        // A connection that cannot roll back must not be used again; to drop it rolls back.
        await this.#bounded(connection, connection.rollback()).catch(() => connection.destroy());
        throw error;
      }
    });
  }

  async ping(): Promise<void> {
    await this.#connected((_queryable, connection) => this.#bounded(connection, connection.ping()));
  }

  close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    return this.#closing;
  }

  async #connected<T>(work: (queryable: Queryable, connection: PoolConnection) => Promise<T>): Promise<T> {
    this.#scope.assertOutside();
    const connection = await this.#acquire();
    try {
      return await work(this.#queryable(connection), connection);
    } finally {
      connection.release();
    }
  }

  async #acquire(): Promise<PoolConnection> {
    if (this.#closing !== null) throw closedError();
    const acquiring = this.#pool.getConnection();
    try {
      return await within(acquiring, this.#acquireTimeoutMs, "no connection became free", () => {
        acquiring.then(
          (connection) => connection.release(),
          () => {},
        );
      });
    } catch (error) {
      if (this.#closing !== null) throw closedError();
      // The pool's own errors ("Queue limit reached.") carry no code, but each means the same: no connection.
      throw toDatabaseError(error, this.#address, "DATABASE_UNREACHABLE");
    }
  }

  #queryable(connection: PoolConnection): Queryable {
    const run = (sql: string, parameters: readonly DatabaseParameter[] = []) => {
      assertParameters("mysql", sql, parameters);
      const values = parameters.map(toParameter);
      return this.#bounded(connection, connection.execute<RowDataPacket[] | ResultSetHeader>(sql, values));
    };
    return {
      async query<Row>(sql: string, parameters?: readonly DatabaseParameter[]) {
        const [result] = await run(sql, parameters);
        // The caller says what the columns are; see `query` of the interface.
        return Array.isArray(result) ? (result as Row[]) : [];
      },
      async execute(sql, parameters) {
        const [result] = await run(sql, parameters);
        if (Array.isArray(result)) return { affectedRows: 0, insertId: 0 };
        return { affectedRows: result.affectedRows, insertId: result.insertId };
      },
    };
  }

  async #bounded<T>(connection: PoolConnection, work: Promise<T>): Promise<T> {
    try {
      return await within(work, this.#statementTimeoutMs, "no answer", () => connection.destroy());
    } catch (error) {
      throw toDatabaseError(error, this.#address);
    }
  }
}

/** Rejects when `work` takes longer, after `onTimeout`. */
async function within<T>(work: Promise<T>, timeoutMs: number, what: string, onTimeout: () => void): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    onTimeout();
    timeout.reject(Object.assign(new Error(`${what} within ${timeoutMs} ms`), { fatal: true }));
  }, timeoutMs);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function closedError(): DatabaseError {
  return new DatabaseError("DATABASE_CLOSED", "The database was closed");
}

/** mysql2 sends every number as a DOUBLE, which a text column would keep in scientific notation, and bytes as text. */
function toParameter(value: DatabaseParameter): Parameters<PoolConnection["execute"]>[1] & {} {
  if (typeof value === "number" && Number.isSafeInteger(value)) return mysql.TypedParameter.BIGINT(value);
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value as never;
}

function parseUrl(url: string): Credentials {
  // URL's own error repeats the whole URL, with the password.
  const parsed = URL.parse(url);
  const database = parsed?.pathname.slice(1) ?? "";
  if (
    parsed === null ||
    !/^(?:mysql|mariadb):$/.test(parsed.protocol) ||
    parsed.hostname === "" ||
    parsed.search !== ""
  ) {
    throw new DatabaseError("DATABASE_URL_INVALID", "A MySQL URL must look like mysql://user:password@host:3306/name");
  }
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: parsed.port === "" ? 3306 : Number(parsed.port),
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(database),
  };
}
