/** The databases that the stock app runs on: real ones, empty at the start. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { createDatabase, describeWithMysql } from "../../framework/test/mysql-server.ts";
import type { TestDatabase } from "../../framework/test/mysql-server.ts";

/** Describes a suite once for SQLite and once for MySQL. */
export function describeWithDatabases(name: string, suite: (create: () => Promise<TestDatabase>) => void): void {
  describe(`${name} on SQLite`, () => suite(createSqliteFile));
  describeWithMysql(`${name} on MySQL`, (adminUrl) => suite(() => createDatabase(adminUrl)));
}

export async function createSqliteFile(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-stock-"));
  return { url: `sqlite:${join(folder, "stock.db")}`, drop: () => rm(folder, { recursive: true }) };
}
