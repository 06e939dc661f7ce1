/**
 * Data and messages of one visitor, in an encrypted cookie or in the database.
 *
 * @module @tsgi/framework/sessions
 */
export { databaseSessions, SESSION_TABLE, type DatabaseSessionStore } from "./database-store.ts";
export { sessions, type Session, type SessionOptions, type SessionStore } from "./sessions.ts";
