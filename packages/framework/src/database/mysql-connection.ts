/** Statements on one connection of mysql2, by its callbacks: a promise for each of its steps would cost more than the step. */
import { once } from "node:events";
import type { Connection, FieldPacket, PoolConnection, ResultSetHeader, RowDataPacket } from "mysql2";
import type { Deadlines, Timed } from "./deadlines.ts";
import { DatabaseError } from "./errors.ts";
import { toDatabaseError } from "./mysql-errors.ts";
import type { MysqlAddress } from "./mysql-url.ts";
import { conversionsOf, convertRow, toExecuteResult, toParameter } from "./mysql-values.ts";
import type { Column } from "./mysql-values.ts";
import type { SlowQueries } from "./slow-queries.ts";
import { assertParameters, readStatement } from "./statement.ts";
import type { Session } from "./transactions.ts";
import type { DatabaseParameter, DatabaseRow, ExecuteResult } from "./types.ts";

/** What all connections of a pool share. */
export interface MysqlContext {
  readonly address: MysqlAddress;
  /** Of the statements that run. */
  readonly deadlines: Deadlines;
  readonly slow: SlowQueries;
}

/** A response of mysql2. CALL gives a list of results with the header as its last. */
export type Response =
  | ResultSetHeader
  | readonly RowDataPacket[]
  | readonly (ResultSetHeader | readonly RowDataPacket[])[];
type Fields = readonly FieldPacket[] | readonly (readonly FieldPacket[] | undefined)[] | undefined;

export type Settle = (error: DatabaseError | null, response: Response, fields: Fields) => void;

/** The parameters as mysql2 takes them. @throws DatabaseError `DATABASE_QUERY` */
export function checkedValues(sql: string, parameters: readonly DatabaseParameter[]): never[] {
  assertParameters("mysql", readStatement("mysql", sql), parameters);
  // mysql2's own type of values is narrower than what it takes.
  return parameters.map(toParameter) as never[];
}

/** A statement that runs. It settles once: by the response, by an error, or at the time limit, which closes the connection. */
export class RunningStatement implements Timed {
  readonly startedAt: number = performance.now();
  readonly #context: MysqlContext;
  readonly #connection: Connection;
  readonly #sql: string;
  #settle: Settle | null;

  constructor(context: MysqlContext, connection: Connection, sql: string, settle: Settle) {
    this.#context = context;
    this.#connection = connection;
    this.#sql = sql;
    this.#settle = settle;
    context.deadlines.add(this);
  }

  /** By the binary protocol: values apart from the text. */
  execute(values: never[]): this {
    this.#connection.execute<RowDataPacket[]>(this.#sql, values, this.#settled as never);
    return this;
  }

  /** By the text protocol, for what cannot be prepared. */
  query(): this {
    this.#connection.query<RowDataPacket[]>(this.#sql, this.#settled as never);
    return this;
  }

  expire(): void {
    this.fail(
      new DatabaseError(
        "DATABASE_TIMEOUT",
        `MySQL: no response within ${this.#context.deadlines.limitMs} ms; the connection was closed`,
      ),
    );
  }

  /** Closes the connection and settles with the error. */
  fail(error: DatabaseError): void {
    closeAtOnce(this.#connection);
    this.#finish(error, []);
  }

  readonly #settled = (error: Error | null | undefined, response: Response, fields?: Fields): void => {
    this.#finish(error ? failureOf(error, this.#context, this.#connection) : null, response, fields);
  };

  #finish(error: DatabaseError | null, response: Response, fields?: Fields): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    this.#context.deadlines.delete(this);
    this.#context.slow.ended(this.#sql, this.startedAt);
    settle(error, response, fields);
  }
}

/** Closes the connection where the server may refuse its next statement too: a new one may lead to another server. */
function failureOf(error: unknown, { address }: MysqlContext, connection: Connection): DatabaseError {
  const failure = toDatabaseError(error, address);
  if (failure.code === "DATABASE_UNREACHABLE") closeAtOnce(connection);
  return failure;
}

/** Does not wait for the server, which may not respond any more. */
export function closeAtOnce(connection: Connection): void {
  connection.destroy();
  (connection as unknown as { readonly stream: { destroy(): void } }).stream.destroy();
}

/** The rows of a response, with values as {@link DatabaseRow} has them. */
export function toRows(response: Response, fields: Fields): readonly DatabaseRow[] {
  if (!Array.isArray(response)) return [];
  const isCall = Array.isArray(fields?.[0]) || (response.length > 0 && Array.isArray(response[0]));
  const rows = (isCall ? response[0] : response) as Record<string, unknown>[];
  const columns = (isCall ? fields?.[0] : fields) as readonly Column[] | undefined;
  const conversions = rows.length === 0 || columns === undefined ? null : conversionsOf(columns);
  if (conversions !== null) for (const row of rows) convertRow(row, conversions);
  return rows as DatabaseRow[];
}

export function toResult(response: Response): ExecuteResult {
  const header = headerOf(response);
  return header === null ? toExecuteResult(0, 0) : toExecuteResult(header.affectedRows, header.insertId);
}

function headerOf(response: Response): ResultSetHeader | null {
  const last = Array.isArray(response) ? (response.at(-1) as object | undefined) : response;
  return last !== undefined && "affectedRows" in last && "serverStatus" in last ? (last as ResultSetHeader) : null;
}

/** The rows one by one. @param leave what happens to the rest of the rows if the consumer stops before the end. */
export async function* streamRows(
  context: MysqlContext,
  connection: Connection,
  sql: string,
  parameters: readonly DatabaseParameter[],
  leave: "close" | "drain",
): AsyncGenerator<DatabaseRow, void> {
  const command = connection.execute({ sql, values: checkedValues(sql, parameters) });
  // After the stream is left, an error of the command has no other listener.
  command.on("error", () => {});
  let columns: readonly Column[] = [];
  command.once("fields", (fields?: readonly Column[]) => (columns = fields ?? []));
  const stream = command.stream({ highWaterMark: STREAM_HIGH_WATER_MARK });
  const rows = stream[Symbol.asyncIterator]() as AsyncIterator<Record<string, unknown>, undefined>;
  let conversions: ReturnType<typeof conversionsOf> | undefined;
  let isComplete = false;
  try {
    for (;;) {
      const next = await withinDeadline(
        context,
        () => rows.next(),
        (error) => {
          closeAtOnce(connection);
          stream.destroy(error);
        },
      );
      if (next.done === true) break;
      conversions ??= conversionsOf(columns);
      if (conversions !== null) convertRow(next.value, conversions);
      yield next.value as DatabaseRow;
    }
    isComplete = true;
  } catch (error) {
    isComplete = true;
    throw failureOf(error, context, connection);
  } finally {
    if (!isComplete && leave === "close") closeAtOnce(connection);
    if (!isComplete && leave === "drain") {
      const ended = once(command, "end");
      stream.destroy();
      await withinDeadline(
        context,
        () => ended,
        () => closeAtOnce(connection),
      ).catch(() => {});
    }
  }
}

/** Rows that wait between connection and consumer. */
const STREAM_HIGH_WATER_MARK = 64;

/** The limit is for each wait: the time that the consumer takes does not count. */
async function withinDeadline<T>(
  { deadlines }: MysqlContext,
  wait: () => Promise<T>,
  stop: (error: DatabaseError) => void,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const waiting: Timed = {
    startedAt: performance.now(),
    expire() {
      const error = new DatabaseError("DATABASE_TIMEOUT", `MySQL: no row within ${deadlines.limitMs} ms`);
      stop(error);
      late.reject(error);
    },
  };
  deadlines.add(waiting);
  try {
    return await Promise.race([wait(), late.promise]);
  } finally {
    deadlines.delete(waiting);
  }
}

/** SERVER_STATUS_IN_TRANS of the protocol. */
const IN_TRANSACTION = 1;

/** A connection that one transaction has for itself. */
export class MysqlSession implements Session {
  readonly #context: MysqlContext;
  readonly #connection: PoolConnection;
  readonly #running = new Set<RunningStatement>();
  #isInTransaction = false;

  constructor(context: MysqlContext, connection: PoolConnection) {
    this.#context = context;
    this.#connection = connection;
  }

  query(sql: string, parameters: readonly DatabaseParameter[]): Promise<readonly DatabaseRow[]> {
    return this.#run(sql, parameters, toRows);
  }

  execute(sql: string, parameters: readonly DatabaseParameter[]): Promise<ExecuteResult> {
    return this.#run(sql, parameters, toResult);
  }

  stream(sql: string, parameters: readonly DatabaseParameter[]): AsyncIterableIterator<DatabaseRow> {
    return streamRows(this.#context, this.#connection, sql, parameters, "drain");
  }

  control(sql: string): Promise<unknown> {
    return this.#run(sql, null, toResult);
  }

  isInTransaction(): boolean {
    return this.#isInTransaction;
  }

  abort(): void {
    closeAtOnce(this.#connection);
    const error = new DatabaseError("DATABASE_TIMEOUT", "The transaction was rolled back while the statement ran");
    for (const statement of this.#running) statement.fail(error);
  }

  /** @param parameters `null` for a statement that cannot be prepared. */
  #run<T>(
    sql: string,
    parameters: readonly DatabaseParameter[] | null,
    finish: (response: Response, fields: Fields) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      // Before the statement exists: one that is refused here would never end, and its time limit would close the connection.
      const values = parameters === null ? null : checkedValues(sql, parameters);
      const statement = new RunningStatement(this.#context, this.#connection, sql, (error, response, fields) => {
        this.#running.delete(statement);
        if (error !== null) {
          if (endsTransaction(error)) this.#isInTransaction = false;
          reject(error);
          return;
        }
        const status = headerOf(response)?.serverStatus;
        if (status !== undefined) this.#isInTransaction = (status & IN_TRANSACTION) !== 0;
        resolve(finish(response, fields));
      });
      this.#running.add(statement);
      if (values === null) statement.query();
      else statement.execute(values);
    });
  }
}

function endsTransaction({ code }: DatabaseError): boolean {
  return code === "DATABASE_UNREACHABLE" || code === "DATABASE_TIMEOUT" || code === "DATABASE_BUSY";
}
