/** Sessions in a table of the application's database. Every copy of the application sees them, and ending one ends it everywhere. */
import type { Queryable } from "../database/types.ts";
import type { SessionStore } from "./sessions.ts";

/** The table, for a migration. The statement is the same on MySQL, MariaDB and SQLite. */
export const SESSION_TABLE =
  "CREATE TABLE IF NOT EXISTS tsgi_session (id CHAR(64) NOT NULL PRIMARY KEY, data TEXT NOT NULL, expires BIGINT NOT NULL)";

/** A store whose expired sessions can be removed. */
export interface DatabaseSessionStore extends SessionStore {
  /** Removes what has expired. Call it from time to time, from one copy of the application. @returns how many were removed. */
  sweep(): Promise<number>;
}

/**
 * A store in the table of {@link SESSION_TABLE}, for sessions that are larger than a cookie or that the server must be able to
 * end.
 */
export function databaseSessions(database: Queryable): DatabaseSessionStore {
  return {
    read: async (key) => {
      const [row] = await database.query("SELECT data FROM tsgi_session WHERE id = ? AND expires > ?", [
        key,
        Date.now(),
      ]);
      return row === undefined ? null : String(row["data"]);
    },
    write: async (key, data, expiresAt) => {
      await database.execute("REPLACE INTO tsgi_session (id, data, expires) VALUES (?, ?, ?)", [key, data, expiresAt]);
    },
    remove: async (key) => {
      await database.execute("DELETE FROM tsgi_session WHERE id = ?", [key]);
    },
    sweep: async () => {
      const { affectedRows } = await database.execute("DELETE FROM tsgi_session WHERE expires <= ?", [Date.now()]);
      return affectedRows;
    },
  };
}
