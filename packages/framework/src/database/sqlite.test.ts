import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { describeDatabase } from "../../test/database-contract.ts";
import { openDatabase } from "./database.ts";
import { openSqlite } from "./sqlite.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-sqlite-"));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
describeDatabase("SQLite in memory", { open: (options) => openDatabase("sqlite::memory:", options) });
describeDatabase("SQLite in a file", {
  open: (options) => openDatabase(`sqlite:${join(folder, `contract-${++files}.db`)}`, options),
});

describe("an SQLite file", () => {
  test("is created if it does not exist, keeps its rows, and is in WAL mode", async () => {
    const url = `sqlite://${join(folder, "kept.db")}`;
    const first = openSqlite(url);
    await first.execute("CREATE TABLE t (a INT)");
    await first.execute("INSERT INTO t VALUES (?)", [1]);
    await first.close();
    const second = openSqlite(url);
    expect(await second.query("SELECT a FROM t")).toEqual([{ a: 1 }]);
    expect(await second.query("PRAGMA journal_mode")).toEqual([{ journal_mode: "wal" }]);
    await second.close();
  });

  test("in a folder that does not exist is DATABASE_UNKNOWN and names the file", async () => {
    const open = openDatabase(`sqlite:${join(folder, "no", "such.db")}`);
    await expect(open).rejects.toMatchObject({
      code: "DATABASE_UNKNOWN",
      message: expect.stringContaining("such.db") as unknown,
    });
  });

  test("that is not a database is DATABASE_UNKNOWN", () => {
    expect(() => openSqlite(`sqlite:${import.meta.filename}`)).toThrow(
      expect.objectContaining({ code: "DATABASE_UNKNOWN" }),
    );
  });
});

test.each(["", "sqlite:", "postgres://user:secret@host/db", "./file.db", "sqlite:./file.db?mode=ro"])(
  "the URL %j is DATABASE_URL_INVALID, and the error repeats no password",
  async (url) => {
    const error: unknown = await openDatabase(url).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "DATABASE_URL_INVALID" });
    expect(String(error)).not.toContain("secret");
  },
);

test("a URL with a host is refused with the right spelling", async () => {
  await expect(openDatabase("sqlite://file.db")).rejects.toMatchObject({
    code: "DATABASE_URL_INVALID",
    message: expect.stringContaining("write sqlite:./file.db") as unknown,
  });
});

test("a caller that must wait too long for a transaction is refused with DATABASE_BUSY", async () => {
  const db = openSqlite("sqlite::memory:", { acquireTimeoutMs: 50 });
  const leave = Promise.withResolvers<void>();
  const holder = db.transaction(() => leave.promise);
  await expect(db.query("SELECT 1")).rejects.toMatchObject({ code: "DATABASE_BUSY", status: 503 });
  await expect(db.ping({ timeoutMs: 10 })).rejects.toMatchObject({ code: "DATABASE_TIMEOUT" });
  leave.resolve();
  await holder;
  expect(await db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await db.close();
});

test("a constraint that rolls back by itself rejects the transaction, although its work caught the error", async () => {
  const db = openSqlite("sqlite::memory:");
  await db.execute("CREATE TABLE t (a INT UNIQUE ON CONFLICT ROLLBACK)");
  const work = db.transaction(async (tx) => {
    await tx.execute("INSERT INTO t VALUES (1)");
    await tx.execute("INSERT INTO t VALUES (1)").catch(() => {});
    await tx.execute("INSERT INTO t VALUES (2)").catch(() => {});
  });
  await expect(work).rejects.toMatchObject({ code: "DATABASE_DUPLICATE" });
  expect(await db.query("SELECT a FROM t")).toEqual([]);
  await db.close();
});

test("the counts after WITH are those of its statement, not of an earlier one", async () => {
  const db = openSqlite("sqlite::memory:");
  await db.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER)");
  await db.execute("INSERT INTO a (n) VALUES (1), (2)");
  const counts = async (statement: string) => {
    const { affectedRows, insertId } = await db.execute(`WITH b AS (SELECT 5 AS n) ${statement}`);
    return [affectedRows, insertId];
  };
  expect(await counts("SELECT n FROM b")).toEqual([0, 0]);
  expect(await counts("UPDATE a SET n = 7 WHERE id = 1")).toEqual([1, 0]);
  expect(await counts("INSERT INTO a (n) SELECT n FROM b")).toEqual([1, 3]);
  await db.close();
});

test("a value of the wrong type for a STRICT table is DATABASE_VALUE_INVALID", async () => {
  const db = openSqlite("sqlite::memory:");
  await db.execute("CREATE TABLE t (a INTEGER) STRICT");
  await expect(db.execute("INSERT INTO t VALUES ('x')")).rejects.toMatchObject({ code: "DATABASE_VALUE_INVALID" });
  await db.close();
});

test("a query gives the columns that its table has now, whichever connection has changed them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-sqlite-"));
  const url = `sqlite:${join(folder, "columns.db")}`;
  const [db, other] = [openSqlite(url), openSqlite(url)];
  const columns = async () => Object.keys((await db.query("SELECT * FROM t"))[0] ?? {});
  await db.execute("CREATE TABLE t (a INT)");
  await db.execute("INSERT INTO t VALUES (1)");
  expect(await columns()).toEqual(["a"]);
  await other.execute("ALTER TABLE t ADD COLUMN b TEXT");
  // On Node 22 a connection reads the schema of another one with its first query, and gives the columns with the second.
  await columns();
  expect(await columns()).toEqual(["a", "b"]);
  await db.execute("ALTER TABLE t DROP COLUMN a");
  expect(await columns()).toEqual(["b"]);
  await Promise.all([db.close(), other.close()]);
  await rm(folder, { recursive: true });
});

test("more statements than are kept prepared give their own rows each", async () => {
  const db = openSqlite("sqlite::memory:");
  for (let i = 0; i < 500; i++) expect(await db.query(`SELECT ${i} AS n`)).toEqual([{ n: i }]);
  expect(await db.query("SELECT 0 AS n")).toEqual([{ n: 0 }]);
  await db.close();
});
