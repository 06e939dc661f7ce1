/** What the databases have in common: defaults, rows checked by a schema, transactions, and closing once. */
import type { Schema } from "../validation/schema.ts";
import { DatabaseError } from "./errors.ts";
import { typedRows, typedStream } from "./rows.ts";
import { Transactions } from "./transactions.ts";
import type { Session } from "./transactions.ts";
import { DEFAULT_TRANSACTION_TIMEOUT_MS } from "./types.ts";
import type {
  Database,
  DatabaseOptions,
  DatabaseParameter,
  DatabaseRow,
  ExecuteResult,
  PingOptions,
  Queryable,
  TransactionOptions,
} from "./types.ts";

type Values = readonly DatabaseParameter[];

export abstract class BaseDatabase implements Database {
  abstract readonly dialect: Database["dialect"];
  readonly #transactions: Transactions;
  #closing: Promise<void> | null = null;

  /** @param begin the statement that begins a transaction. */
  constructor(begin: string, { transactionTimeoutMs = DEFAULT_TRANSACTION_TIMEOUT_MS }: DatabaseOptions) {
    this.#transactions = new Transactions(begin, transactionTimeoutMs);
  }

  query(sql: string, parameters: Values = [], schema?: Schema): Promise<readonly never[]> {
    return typedRows(this.rows(sql, parameters), schema);
  }

  queryStream(sql: string, parameters: Values = [], schema?: Schema): AsyncIterableIterator<never> {
    return typedStream(this.stream(sql, parameters), schema);
  }

  execute(sql: string, parameters: Values = []): Promise<ExecuteResult> {
    return this.result(sql, parameters);
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#transactions.run((run) => this.inSession(run), work, options);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.release());
  }

  abstract ping(options?: PingOptions): Promise<void>;

  protected abstract rows(sql: string, parameters: Values): Promise<readonly DatabaseRow[]>;
  protected abstract stream(sql: string, parameters: Values): AsyncIterableIterator<DatabaseRow>;
  protected abstract result(sql: string, parameters: Values): Promise<ExecuteResult>;
  /** Runs the work on a connection that it has for itself. */
  protected abstract inSession<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Called once, by the first `close`. */
  protected abstract release(): Promise<void>;

  protected get isClosed(): boolean {
    return this.#closing !== null;
  }

  /** @throws DatabaseError `DATABASE_CLOSED`; `DATABASE_TRANSACTION` within a transaction, whose own object runs its statements. */
  protected assertUsable(): void {
    this.#transactions.assertOutside();
    if (this.isClosed) throw closedError();
  }
}

export function closedError(): DatabaseError {
  return new DatabaseError("DATABASE_CLOSED", "The database was closed");
}
