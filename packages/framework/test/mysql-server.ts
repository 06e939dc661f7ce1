/** The MySQL or MariaDB server that `pnpm test` found: each suite makes its own databases on it, and drops them. */
import { randomBytes } from "node:crypto";

import mysql from "mysql2/promise";
import type { Connection } from "mysql2/promise";
import { describe, test } from "vitest";

/** A URL whose user may create databases and users, and kill connections. */
const ADMIN_URL = process.env["TSGI_TEST_MYSQL_URL"];
const REASON = "needs a MySQL or MariaDB server: set TSGI_TEST_MYSQL_URL, or run `pnpm test`, which starts one";

/** Describes a suite that needs the server. Without one it is skipped with the reason; with CI=true that is a failure. */
export function describeWithMysql(name: string, suite: (adminUrl: string) => void): void {
  describe(name, () => {
    if (ADMIN_URL !== undefined) return suite(ADMIN_URL);
    test(REASON, ({ skip }) => {
      if (process.env["CI"] === "true") throw new Error(REASON);
      skip(REASON);
    });
  });
}

/** The URL with another database's name. */
export function withDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Makes an empty database of a new name. */
export async function createDatabase(adminUrl: string): Promise<TestDatabase> {
  const name = `tsgi_test_${randomBytes(6).toString("hex")}`;
  await asAdmin(adminUrl, (admin) => admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`));
  return {
    url: withDatabase(adminUrl, name),
    drop: () => asAdmin(adminUrl, async (admin) => void (await admin.query(`DROP DATABASE ${name}`))),
  };
}

/** Runs `work` on a connection of its own. */
export async function asAdmin<T>(adminUrl: string, work: (admin: Connection) => Promise<T>): Promise<T> {
  const admin = await mysql.createConnection(adminUrl);
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}
