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

describeDatabase("SQLite in memory", { open: () => openDatabase("sqlite::memory:") });
describeDatabase("SQLite in a file", { open: () => openDatabase(`sqlite:${join(folder, "contract.db")}`) });

describe("an SQLite file", () => {
  test("is made where it is missing, keeps its rows, and is in WAL mode", async () => {
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

  test("that is something else is DATABASE_UNKNOWN", () => {
    expect(() => openSqlite(`sqlite:${import.meta.filename}`)).toThrow(
      expect.objectContaining({ code: "DATABASE_UNKNOWN" }),
    );
  });
});

test.each(["", "sqlite:", "postgres://user:secret@host/db", "./file.db"])(
  "the URL %j is DATABASE_URL_INVALID, and no password is repeated",
  async (url) => {
    const error: unknown = await openDatabase(url).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "DATABASE_URL_INVALID" });
    expect(String(error)).not.toContain("secret");
  },
);
