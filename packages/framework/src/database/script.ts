/** What migrations need of a database beyond its public interface. */
import type { Database, Queryable } from "./types.ts";

/** A connection that runs whole files, and that no second process has at the same time. */
export interface Script extends Pick<Queryable, "execute"> {
  query(sql: string, parameters?: Parameters<Queryable["query"]>[1]): Promise<readonly object[]>;
  /** Runs all statements of a text. @throws DatabaseError */
  run(text: string): Promise<void>;
}

export const SCRIPT: unique symbol = Symbol("script");

export interface Scriptable {
  /**
   * Gives `work` a connection that no other process has at the same time.
   * @throws DatabaseError `DATABASE_BUSY` if another process does not let it go in time.
   */
  [SCRIPT]<T>(work: (script: Script) => Promise<T>): Promise<T>;
}

export function isScriptable(database: Database): database is Database & Scriptable {
  return SCRIPT in database;
}
