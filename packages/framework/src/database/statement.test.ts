import { expect, test } from "vitest";
import type { Database } from "./database.ts";
import { readStatement } from "./statement.ts";

type Dialect = Database["dialect"];
const BOTH: readonly Dialect[] = ["mysql", "sqlite"];

test.each<[string, number, readonly Dialect[]]>([
  ["SELECT ?, ?", 2, BOTH],
  ["SELECT '?', ?", 1, BOTH],
  ["SELECT 'it''s ?', ?", 1, BOTH],
  ['SELECT "?" , ?', 1, BOTH],
  ["SELECT `a?`, ?", 1, BOTH],
  ["SELECT /* ? */ ? -- ?", 1, BOTH],
  ["SELECT ? -- ?\n, ?", 2, BOTH],
  ["SELECT ? /* never closed ?", 1, BOTH],
  [String.raw`SELECT 'it\'s ?', ?`, 1, ["mysql"]],
  [String.raw`SELECT '\\', ?`, 1, ["mysql"]],
  [String.raw`SELECT '\', ?`, 1, ["sqlite"]],
  ["SELECT ? # ?", 1, ["mysql"]],
  ["SELECT 5--?", 1, ["mysql"]],
  ["SELECT /*! ? */ ?", 2, ["mysql"]],
  ["SELECT /*M!100100 ? */ ?", 2, ["mysql"]],
  ["SELECT [a?], ?", 1, ["sqlite"]],
])("%s has %i placeholders on %j", (sql, placeholders, dialects) => {
  for (const dialect of dialects) expect(readStatement(dialect, sql).placeholders).toBe(placeholders);
});

test.each([
  ["  insert INTO a VALUES (1)", "INSERT"],
  ["/* why */ UPDATE a SET b = 1", "UPDATE"],
  ["-- why\nSELECT 1", "SELECT"],
  ["(SELECT 1)", ""],
  ["WITH a AS (SELECT (1) AS n) SELECT n FROM a", "SELECT"],
  ["with recursive a(n) as (VALUES (1) UNION SELECT n + 1 FROM a), b AS (SELECT 2)\nDELETE FROM c", "DELETE"],
  ["WITH a AS (SELECT ')') INSERT INTO b SELECT * FROM a", "INSERT"],
  ["WITH a", "WITH"],
  ["", ""],
])("the keyword of %j is %j", (sql, keyword) => {
  for (const dialect of BOTH) expect(readStatement(dialect, sql).keyword).toBe(keyword);
});

test.each([
  "SELECT 'BEGIN'",
  "UPDATE release SET commit = 1",
  "INSERT INTO begin VALUES (1)",
  "SELECT 1 -- COMMIT",
  "BEGINNING",
])("%s is not taken for transaction control", (sql) => {
  for (const dialect of BOTH) expect(() => readStatement(dialect, sql)).not.toThrow();
});

test("the texts that are kept do not grow without bound, and their results stay right", () => {
  for (let index = 0; index < 2500; index++) {
    expect(readStatement("sqlite", `SELECT ${index}, ?`).placeholders).toBe(1);
  }
});
