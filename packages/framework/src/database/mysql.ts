/**
 * The database interface on MySQL and MariaDB: a pool of mysql2 connections, prepared statements.
 *
 * @module @tsgi/framework/mysql
 */
import mysql from "mysql2";
import type { ConnectionOptions, Pool, PoolConnection } from "mysql2";
import { BaseDatabase, closedError } from "./base-database.ts";
import { Deadlines, within } from "./deadlines.ts";
import type { Timed } from "./deadlines.ts";
import { DatabaseError } from "./errors.ts";
import { toDatabaseError } from "./mysql-errors.ts";
import {
  MysqlSession,
  RunningStatement,
  checkedValues,
  closeAtOnce,
  streamRows,
  toResult,
  toRows,
} from "./mysql-connection.ts";
import type { MysqlContext, Response, Settle } from "./mysql-connection.ts";
import { runScript } from "./mysql-script.ts";
import { parseMysqlUrl } from "./mysql-url.ts";
import type { MysqlTarget, MysqlTls } from "./mysql-url.ts";
import { SCRIPT } from "./script.ts";
import type { Script, Scriptable } from "./script.ts";
import { SlowQueries } from "./slow-queries.ts";
import type { Session } from "./transactions.ts";
import { DEFAULT_ACQUIRE_TIMEOUT_MS, DEFAULT_PING_TIMEOUT_MS } from "./types.ts";
import type { Database, DatabaseOptions, DatabaseParameter, DatabaseRow, ExecuteResult, PingOptions } from "./types.ts";

export type { MysqlTls } from "./mysql-url.ts";

/** The options of {@link openMysql}: the pool, time limits, TLS, and those of every database. */
export interface MysqlOptions extends DatabaseOptions {
  /** Connections in the pool. Default 10. */
  readonly maxConnections?: number;
  /** Callers that may wait for a connection; one more gets `DATABASE_BUSY` at once. Default 1000. */
  readonly maxQueue?: number;
  /** How long to wait until the server accepts a new connection, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may take, in milliseconds; then its connection is closed. Default 30,000. */
  readonly statementTimeoutMs?: number;
  /** The path of a Unix socket, in place of host and port. */
  readonly socketPath?: string;
  /** TLS with a verified certificate. `true` trusts the authorities of Node. Default: what the URL says, else none. */
  readonly tls?: boolean | MysqlTls;
}

/**
 * Opens `mysql://user:password@host:port/name` (or `mariadb:`); the default port is 3306. Options in the URL: `?socket=` with the
 * path of a Unix socket, `?tls=true`, `?tls-ca=` with the path of a PEM file. Connects with the first statement. A connection that
 * fails leaves the pool, and the next statement makes a new one, so a server that was lost is in use again as soon as it is back.
 * No statement is repeated: only the caller knows whether that is safe. Sessions are strict: a value that a column cannot hold is
 * an error, whatever the `sql_mode` of the server.
 * @throws DatabaseError `DATABASE_URL_INVALID`
 */
export function openMysql(url: string, options: MysqlOptions = {}): Database {
  const target = parseMysqlUrl(url);
  const tls = options.tls === undefined ? target.tls : options.tls === true ? {} : options.tls || null;
  const address = { ...target.address, socketPath: options.socketPath ?? target.address.socketPath };
  return new MysqlDatabase({ ...target, address, tls }, options);
}

/**
 * A value that a column cannot hold is an error, not a warning; and a backslash escapes in text, as {@link readStatement} takes
 * it. A server may be configured otherwise.
 */
const SESSION_MODE =
  "SET SESSION sql_mode = CONCAT_WS(',', 'STRICT_ALL_TABLES', " +
  "NULLIF(TRIM(BOTH ',' FROM REPLACE(CONCAT(',', @@sql_mode, ','), ',NO_BACKSLASH_ESCAPES,', ',')), ''))";

class MysqlDatabase extends BaseDatabase implements Scriptable {
  readonly dialect = "mysql";
  readonly #pool: Pool;
  readonly #settings: ConnectionOptions;
  readonly #context: MysqlContext;
  readonly #acquisitions: Deadlines;

  constructor(target: MysqlTarget, options: MysqlOptions) {
    super("START TRANSACTION", options);
    this.#acquisitions = new Deadlines(options.acquireTimeoutMs ?? DEFAULT_ACQUIRE_TIMEOUT_MS);
    this.#context = {
      address: target.address,
      deadlines: new Deadlines(options.statementTimeoutMs ?? 30_000),
      slow: new SlowQueries(options),
    };
    this.#settings = settingsOf(target, options);
    this.#pool = mysql.createPool({
      ...this.#settings,
      connectionLimit: options.maxConnections ?? 10,
      queueLimit: options.maxQueue ?? 1000,
    });
    this.#pool.on("connection", (connection) => {
      // An idle connection may fail more than once (reset, then closed); the pool listens only for the first time.
      connection.on("error", () => {});
      connection.query(SESSION_MODE, (error) => {
        if (error) closeAtOnce(connection);
      });
    });
  }

  async ping({ timeoutMs = DEFAULT_PING_TIMEOUT_MS }: PingOptions = {}): Promise<void> {
    let running: PoolConnection | null = null;
    const ping = this.#connected((connection) => {
      running = connection;
      return new Promise<void>((resolve, reject) => {
        connection.ping((error) => (error ? reject(toDatabaseError(error, this.#context.address)) : resolve()));
      });
    });
    await within(ping, timeoutMs, () => {
      if (running !== null) closeAtOnce(running);
      return new DatabaseError("DATABASE_TIMEOUT", `MySQL: no response within ${timeoutMs} ms`);
    });
  }

  /** The lock of the server makes other processes wait; it is released with the connection. */
  async [SCRIPT]<T>(work: (script: Script) => Promise<T>): Promise<T> {
    return runScript(this.#context, this.#settings, work);
  }

  protected rows(sql: string, parameters: readonly DatabaseParameter[]): Promise<readonly DatabaseRow[]> {
    return this.#run(sql, parameters, toRows);
  }

  protected result(sql: string, parameters: readonly DatabaseParameter[]): Promise<ExecuteResult> {
    return this.#run(sql, parameters, toResult);
  }

  protected async *stream(sql: string, parameters: readonly DatabaseParameter[]): AsyncGenerator<DatabaseRow, void> {
    this.assertUsable();
    const connection = await new Promise<PoolConnection>((resolve, reject) => this.#acquire(reject, resolve));
    try {
      yield* streamRows(this.#context, connection, sql, parameters, "close");
    } finally {
      connection.release();
    }
  }

  protected inSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#connected((connection) => work(new MysqlSession(this.#context, connection)));
  }

  protected release(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pool.end((error) => (error ? reject(error) : resolve()));
    });
  }

  /** One promise for the whole statement; see `mysql-connection.ts`. */
  #run<T>(
    sql: string,
    parameters: readonly DatabaseParameter[],
    finish: (response: Response, fields: Parameters<Settle>[2]) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.assertUsable();
      const values = checkedValues(sql, parameters);
      this.#acquire(reject, (connection) => {
        const settle: Settle = (error, response, fields) => {
          connection.release();
          if (error === null) resolve(finish(response, fields));
          else reject(error);
        };
        new RunningStatement(this.#context, connection, sql, settle).execute(values);
      });
    });
  }

  async #connected<T>(work: (connection: PoolConnection) => Promise<T>): Promise<T> {
    this.assertUsable();
    const connection = await new Promise<PoolConnection>((resolve, reject) => this.#acquire(reject, resolve));
    try {
      return await work(connection);
    } finally {
      connection.release();
    }
  }

  /** Calls one of its arguments once. */
  #acquire(fail: (error: DatabaseError) => void, use: (connection: PoolConnection) => void): void {
    let isExpired = false;
    const waiting: Timed = {
      startedAt: performance.now(),
      expire: () => {
        isExpired = true;
        fail(this.#busy(`no connection became free within ${this.#acquisitions.limitMs} ms`));
      },
    };
    this.#acquisitions.add(waiting);
    this.#pool.getConnection((error, connection) => {
      this.#acquisitions.delete(waiting);
      if (error !== null) {
        if (!isExpired) fail(this.#refused(error));
      } else if (isExpired) connection.release();
      else use(connection);
    });
  }

  #refused(error: Error): DatabaseError {
    if (this.isClosed) return closedError();
    if (error.message === "Queue limit reached.") return this.#busy("too many callers wait for a connection");
    return toDatabaseError(error, this.#context.address, "DATABASE_UNREACHABLE");
  }

  #busy(reason: string): DatabaseError {
    return new DatabaseError(
      "DATABASE_BUSY",
      `MySQL: ${reason}: look for slow statements and long transactions, or raise maxConnections`,
    );
  }
}

function settingsOf({ address, password, tls }: MysqlTarget, options: MysqlOptions): ConnectionOptions {
  const { socketPath, ...tcp } = address;
  return {
    ...tcp,
    ...(socketPath === null ? {} : { socketPath }),
    // mysql2 verifies the chain, but the name only on request.
    ...(tls === null ? {} : { ssl: { ...tls, rejectUnauthorized: true, verifyIdentity: true } }),
    password,
    charset: "utf8mb4_unicode_ci",
    connectTimeout: options.connectTimeoutMs ?? 5000,
    maxPreparedStatements: 256,
    // The forms of `DatabaseValue`.
    dateStrings: true,
    jsonStrings: true,
    supportBigNumbers: true,
    // A server must not be able to ask this process for files.
    flags: ["-LOCAL_FILES"],
    // Our errors are made where the caller awaits, so the driver need not capture a stack for each statement.
    trace: false,
  };
}
