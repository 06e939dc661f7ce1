/**
 * Checks a statement and its parameters before a driver gets them: MariaDB responds with garbage to one parameter too many, SQLite
 * takes one too few for NULL, and drivers give objects meanings of their own.
 */
import { DatabaseError } from "./errors.ts";
import type { Database, DatabaseParameter } from "./types.ts";

type Dialect = Database["dialect"];

export interface StatementText {
  readonly placeholders: number;
  /** What the statement does, in upper case: its first word, or that behind the common table expressions of WITH. */
  readonly keyword: string;
}

/**
 * What the text of a statement says. Texts are few in a program, so the results are kept.
 * @throws DatabaseError `DATABASE_QUERY` for a statement that would begin or end a transaction.
 */
export function readStatement(dialect: Dialect, sql: string): StatementText {
  const known = KNOWN[dialect];
  const kept = known.get(sql);
  if (kept !== undefined) return kept;
  const bare = sql
    .replaceAll(OPAQUE[dialect], " ")
    .replaceAll(EXECUTABLE_COMMENT, " ")
    .replace(/^[\s;]+/, "");
  if (TRANSACTION_CONTROL[dialect].test(bare)) {
    throw new DatabaseError(
      "DATABASE_QUERY",
      `${bare.split(/\s/, 1)[0]} by hand would leave a transaction open or end one: use database.transaction(work)`,
    );
  }
  const text = { placeholders: bare.split("?").length - 1, keyword: keywordOf(bare) };
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(sql, text);
  return text;
}

function keywordOf(bare: string): string {
  const first = /^\w*/.exec(bare)?.[0].toUpperCase() ?? "";
  if (first !== "WITH") return first;
  let outside = bare;
  for (let before = ""; before !== outside;) {
    before = outside;
    outside = before.replaceAll(/\([^()]*\)/g, " ");
  }
  return /\b(?:SELECT|VALUES|INSERT|REPLACE|UPDATE|DELETE)\b/i.exec(outside)?.[0].toUpperCase() ?? first;
}

/** @throws DatabaseError `DATABASE_QUERY` for a wrong number of parameters, or a value that is not a {@link DatabaseParameter}. */
export function assertParameters(
  dialect: Dialect,
  { placeholders }: StatementText,
  parameters: readonly DatabaseParameter[],
): void {
  if (placeholders !== parameters.length) {
    throw new DatabaseError(
      "DATABASE_QUERY",
      `The statement has ${placeholders} placeholders, but ${parameters.length} parameters were given`,
    );
  }
  for (let index = 0; index < parameters.length; index++) {
    const reason = refusal(dialect, parameters[index]);
    if (reason !== null) throw new DatabaseError("DATABASE_QUERY", `Parameter ${index + 1} ${reason}`);
  }
}

function refusal(dialect: Dialect, value: unknown): string | null {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return null;
  if (typeof value === "number") return Number.isFinite(value) ? null : `is ${value}, which SQL has no number for`;
  if (value instanceof Uint8Array) return null;
  if (typeof value === "bigint")
    return value >= MIN_INTEGER && value <= MAX_INTEGER[dialect] ? null : "is beyond 64 bits";
  if (value === undefined) return "is undefined: use null for NULL";
  if (value instanceof Date) return "is a Date: pass its text, such as 2026-01-31 09:30:00";
  return `is of type ${nameOfType(value)}: pass a string, number, bigint, boolean, null or Uint8Array`;
}

function nameOfType(value: unknown): string {
  if (typeof value !== "object") return typeof value;
  const { constructor } = value as { readonly constructor?: unknown };
  return typeof constructor === "function" ? constructor.name : "object";
}

const MIN_INTEGER = -(2n ** 63n);
/** SQLite has no unsigned integers. */
const MAX_INTEGER: Readonly<Record<Dialect, bigint>> = { mysql: 2n ** 64n - 1n, sqlite: 2n ** 63n - 1n };

/** Cleared when full, so that statements with values in their text cannot grow it. */
const MAX_KNOWN = 1000;
const KNOWN: Readonly<Record<Dialect, Map<string, StatementText>>> = { mysql: new Map(), sqlite: new Map() };

/** Text, quoted names and comments, in which a question mark is not a placeholder. */
const OPAQUE: Readonly<Record<Dialect, RegExp>> = {
  // A backslash escapes in text, `#` begins a comment, and `--` does so only before white space. The server runs the content of /*! */.
  mysql: /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"|`[^`]*`|(?:#|--(?=\s))[^\n]*|\/\*(?!M?!)[^]*?(?:\*\/|$)/g,
  sqlite: /'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?(?:\*\/|$)/g,
};
const EXECUTABLE_COMMENT = /\/\*M?!\d*|\*\//g;

const TRANSACTION_CONTROL: Readonly<Record<Dialect, RegExp>> = {
  mysql:
    /^(?:BEGIN|START\s+TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT|RELEASE\s+SAVEPOINT|XA|(?:UN)?LOCK\s+TABLES?|SET\b[^]*\b(?:autocommit|transaction))\b/i,
  sqlite: /^(?:BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b/i,
};
