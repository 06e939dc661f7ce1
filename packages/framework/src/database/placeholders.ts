/**
 * Holds a statement and its parameters together before the driver sees them: MariaDB answers one parameter too many with
 * garbage, SQLite takes one too few for NULL.
 */
import type { Database, DatabaseParameter } from "./database.ts";
import { DatabaseError } from "./errors.ts";

/** What a question mark is no placeholder in: text, quoted names, comments. */
const OPAQUE: Readonly<Record<Database["dialect"], RegExp>> = {
  // A backslash escapes in text, `#` begins a comment, and `--` does so only before white space.
  mysql: /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"|`[^`]*`|(?:#|--(?=\s))[^\n]*|\/\*[^]*?(?:\*\/|$)/g,
  sqlite: /'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?(?:\*\/|$)/g,
};

/** @throws DatabaseError `DATABASE_QUERY` where there are more or fewer parameters than placeholders, or one is undefined. */
export function assertParameters(
  dialect: Database["dialect"],
  sql: string,
  parameters: readonly DatabaseParameter[],
): void {
  const placeholders = sql.replaceAll(OPAQUE[dialect], " ").split("?").length - 1;
  if (placeholders !== parameters.length) {
    throw new DatabaseError(
      "DATABASE_QUERY",
      `The statement has ${placeholders} placeholders, but ${parameters.length} parameters were given`,
    );
  }
  if (parameters.includes(undefined as never)) {
    throw new DatabaseError("DATABASE_QUERY", "A parameter is undefined: use null for NULL");
  }
}
