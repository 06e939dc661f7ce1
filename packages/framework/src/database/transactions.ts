/** Transactions, savepoints, their time limits and repetitions, on a connection of any database. */
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { Schema } from "../validation/schema.ts";
import { within } from "./deadlines.ts";
import { DatabaseError } from "./errors.ts";
import { typedRows, typedStream } from "./rows.ts";
import type { DatabaseParameter, DatabaseRow, ExecuteResult, Queryable, TransactionOptions } from "./types.ts";

/** A connection that one transaction has for itself. All its methods reject with a {@link DatabaseError}. */
export interface Session {
  query(sql: string, parameters: readonly DatabaseParameter[]): Promise<readonly DatabaseRow[]>;
  execute(sql: string, parameters: readonly DatabaseParameter[]): Promise<ExecuteResult>;
  stream(sql: string, parameters: readonly DatabaseParameter[]): AsyncIterableIterator<DatabaseRow>;
  /** Runs BEGIN, COMMIT, ROLLBACK or a statement on a savepoint. */
  control(sql: string): Promise<unknown>;
  /** Whether the database still has the transaction open, as far as it has reported. */
  isInTransaction(): boolean;
  /** Rolls back by force, without waiting for a running statement. */
  abort(): void;
}

/** How long before the first repetition, at most, in milliseconds; before the second twice as long, and so on. */
const RETRY_DELAY_MS = 40;

export class Transactions {
  readonly #storage = new AsyncLocalStorage<State>();
  readonly #begin: string;
  readonly #timeoutMs: number;

  /** @param begin the statement that begins a transaction. */
  constructor(begin: string, timeoutMs: number) {
    this.#begin = begin;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws DatabaseError `DATABASE_TRANSACTION` if the caller is inside a transaction of this database. */
  assertOutside(): void {
    if (this.#storage.getStore()?.isOpen !== true) return;
    throw new DatabaseError(
      "DATABASE_TRANSACTION",
      "Inside a transaction, use its argument: the database itself would wait for the transaction or run outside of it",
    );
  }

  /** @param connected runs its argument with a connection, and releases the connection afterwards. */
  async run<T>(
    connected: (work: (session: Session) => Promise<T>) => Promise<T>,
    work: (transaction: Queryable) => Promise<T>,
    { retries = 0, timeoutMs = this.#timeoutMs }: TransactionOptions,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const states: State[] = [];
      try {
        return await connected((session) => {
          const state = new State(session);
          states.push(state);
          return this.#once(state, work, timeoutMs);
        });
      } catch (error) {
        if (attempt > retries || states[0]?.failure?.code !== "DATABASE_BUSY") throw error;
      }
      await delay(Math.random() * RETRY_DELAY_MS * attempt);
    }
  }

  async #once<T>(state: State, work: (transaction: Queryable) => Promise<T>, timeoutMs: number): Promise<T> {
    await state.begin(this.#begin);
    try {
      const running = this.#storage.run(state, () => work(new Transaction(state)));
      const result = await within(running, timeoutMs, () => state.expire(timeoutMs));
      await state.commit();
      return result;
    } catch (error) {
      await state.rollback();
      throw error;
    }
  }
}

/** What all handles of one transaction share. */
class State {
  readonly session: Session;
  isOpen = true;
  /** The error after which the database has no transaction any more. */
  failure: DatabaseError | null = null;
  /** Streams that have begun and not ended. They keep the connection busy. */
  streams = 0;
  #savepoints = 0;
  #isAborted = false;

  constructor(session: Session) {
    this.session = session;
  }

  async begin(sql: string): Promise<void> {
    try {
      await this.session.control(sql);
    } catch (error) {
      this.#failedBy(error);
      throw error;
    }
  }

  /** Runs a statement. After an error, or a statement that commits, the transaction is over if the database says so. */
  async use<T>(run: (session: Session) => Promise<T>): Promise<T> {
    if (this.failure !== null) throw this.failure;
    try {
      const result = await run(this.session);
      this.#assertInTransaction();
      return result;
    } catch (error) {
      this.#failedBy(error);
      throw error;
    }
  }

  async commit(): Promise<void> {
    this.isOpen = false;
    if (this.failure !== null) throw this.failure;
    if (this.streams > 0) {
      throw new DatabaseError("DATABASE_TRANSACTION", "The transaction has a stream that has not ended: consume it");
    }
    try {
      await this.session.control("COMMIT");
    } catch (error) {
      this.#failedBy(error);
      throw error;
    }
  }

  async rollback(): Promise<void> {
    this.isOpen = false;
    if (this.#isAborted) return;
    if (this.streams > 0) return this.session.abort();
    // A connection that cannot roll back must not be used again; to close it rolls back.
    await this.session.control("ROLLBACK").catch(() => this.session.abort());
  }

  expire(timeoutMs: number): DatabaseError {
    this.isOpen = false;
    this.failure ??= new DatabaseError(
      "DATABASE_TIMEOUT",
      `The transaction took longer than ${timeoutMs} ms and was rolled back: do slow work outside of it, or raise its timeoutMs`,
    );
    this.#isAborted = true;
    this.session.abort();
    return this.failure;
  }

  async savepoint<T>(work: () => Promise<T>): Promise<T> {
    const name = `tsgi_${++this.#savepoints}`;
    const control = (sql: string) => this.use((session) => session.control(`${sql} ${name}`));
    await control("SAVEPOINT");
    try {
      const result = await work();
      await control("RELEASE SAVEPOINT");
      return result;
    } catch (error) {
      if (this.isOpen && this.failure === null) {
        await control("ROLLBACK TO SAVEPOINT");
        await control("RELEASE SAVEPOINT");
      }
      throw error;
    }
  }

  #failedBy(error: unknown): void {
    if (!(error instanceof DatabaseError)) return;
    if (error.code === "DATABASE_BUSY" || !this.session.isInTransaction()) this.failure ??= error;
  }

  #assertInTransaction(): void {
    if (this.session.isInTransaction()) return;
    throw new DatabaseError(
      "DATABASE_TRANSACTION",
      "The statement has committed the transaction: run statements such as CREATE TABLE outside of transactions",
    );
  }
}

/** The argument of `work`. */
class Transaction implements Queryable {
  readonly #state: State;
  #isOpen = true;
  /** What must end before the next statement. */
  #inUse: "a nested transaction" | "a stream" | null = null;

  constructor(state: State) {
    this.#state = state;
  }

  async query(sql: string, parameters: readonly DatabaseParameter[] = [], schema?: Schema): Promise<readonly never[]> {
    this.#assertUsable();
    return typedRows(
      this.#state.use((session) => session.query(sql, parameters)),
      schema,
    );
  }

  queryStream(
    sql: string,
    parameters: readonly DatabaseParameter[] = [],
    schema?: Schema,
  ): AsyncIterableIterator<never> {
    return typedStream(this.#stream(sql, parameters), schema);
  }

  async execute(sql: string, parameters: readonly DatabaseParameter[] = []): Promise<ExecuteResult> {
    this.#assertUsable();
    return this.#state.use((session) => session.execute(sql, parameters));
  }

  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    this.#assertUsable();
    const nested = new Transaction(this.#state);
    this.#inUse = "a nested transaction";
    try {
      return await this.#state.savepoint(async () => {
        try {
          return await work(nested);
        } finally {
          nested.#isOpen = false;
        }
      });
    } finally {
      this.#inUse = null;
    }
  }

  async *#stream(sql: string, parameters: readonly DatabaseParameter[]): AsyncGenerator<DatabaseRow, void> {
    this.#assertUsable();
    this.#inUse = "a stream";
    this.#state.streams++;
    const rows = this.#state.session.stream(sql, parameters);
    try {
      for (;;) {
        const next = await this.#state.use(() => rows.next());
        if (next.done === true) return;
        yield next.value;
        this.#assertOpen();
      }
    } finally {
      await rows.return?.();
      this.#state.streams--;
      this.#inUse = null;
    }
  }

  #assertUsable(): void {
    this.#assertOpen();
    if (this.#inUse === null) return;
    throw new DatabaseError(
      "DATABASE_TRANSACTION",
      `This transaction has ${this.#inUse} that has not ended: end it before the next statement`,
    );
  }

  #assertOpen(): void {
    if (this.#state.failure?.code === "DATABASE_TIMEOUT") throw this.#state.failure;
    if (this.#isOpen && this.#state.isOpen) return;
    throw new DatabaseError("DATABASE_TRANSACTION", "The transaction has ended: await all of its work");
  }
}
