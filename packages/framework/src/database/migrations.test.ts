import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createDatabase, describeWithMysql } from "../../test/mysql-server.ts";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";
import { listMigrations, migrate } from "./migrations.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "tsgi-migrations-"));
});
afterAll(() => rm(root, { recursive: true }));

/** A folder with these files. */
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(path.join(root, "m-"));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return folder;
}

const CREATE = "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1); -- a ; in a comment\nINSERT INTO a VALUES (2);\n";

function describeMigrations(name: string, newUrl: () => Promise<string>): void {
  describe(`migrations on ${name}`, () => {
    let url: string;
    let db: Database;
    const open = async () => {
      const database = await openDatabase(url);
      onTestFinished(() => database.close());
      return database;
    };
    beforeEach(async () => {
      url = await newUrl();
      db = await open();
    });

    test("apply all statements of the files in the order of their numbers, once", async () => {
      const folder = await folderOf({
        "10-more.sql": "INSERT INTO a VALUES (4)",
        "0002-insert.sql": "INSERT INTO a VALUES (3);",
        "0001-create.sql": CREATE,
        "README.md": "not a migration",
      });
      expect(await listMigrations(db, folder)).toEqual([
        { name: "0001-create", isApplied: false },
        { name: "0002-insert", isApplied: false },
        { name: "10-more", isApplied: false },
      ]);
      expect(await migrate(db, folder)).toEqual(["0001-create", "0002-insert", "10-more"]);
      expect(await migrate(db, pathToFileURL(`${folder}/`))).toEqual([]);
      expect(await db.query("SELECT id FROM a ORDER BY id")).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }]);
      await writeFile(path.join(folder, "0011-next.sql"), "INSERT INTO a VALUES (5)");
      expect(await migrate(db, folder)).toEqual(["0011-next"]);
    });

    test("choose the file for the kind of database", async () => {
      const folder = await folderOf({
        "1-create.mysql.sql": "CREATE TABLE mysql (id INT)",
        "1-create.sqlite.sql": "CREATE TABLE sqlite (id INT)",
      });
      expect(await migrate(db, folder)).toEqual(["1-create"]);
      expect(await db.query(`SELECT id FROM ${db.dialect}`)).toEqual([]);
    });

    test("may hold bodies with semicolons", async () => {
      const folder = await folderOf({
        "1-create.sql": CREATE,
        "2-trigger.mysql.sql":
          "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END;\nINSERT INTO a VALUES (3);",
        "2-trigger.sqlite.sql":
          "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;\nINSERT INTO a VALUES (3);",
      });
      await migrate(db, folder);
      expect(await db.query("SELECT COUNT(*) AS n FROM a")).toEqual([{ n: 3 }]);
    });

    test("are applied once by processes that start at the same time", async () => {
      const folder = await folderOf({ "1-create.sql": CREATE, "2-insert.sql": "INSERT INTO a VALUES (3)" });
      const databases = await Promise.all(Array.from({ length: 4 }, open));
      const applied = await Promise.all(databases.map((database) => migrate(database, folder)));
      expect(applied.flat()).toEqual(["1-create", "2-insert"]);
      expect(await db.query("SELECT COUNT(*) AS n FROM a")).toEqual([{ n: 3 }]);
    });

    test("ignore files that a newer version of the program has applied", async () => {
      await migrate(db, await folderOf({ "1-create.sql": CREATE, "2-new.sql": "CREATE TABLE b (id INT)" }));
      expect(await migrate(db, await folderOf({ "1-create.sql": CREATE }))).toEqual([]);
    });

    test("refuse an applied file that has changed, but not other line ends", async () => {
      await migrate(db, await folderOf({ "1-create.sql": CREATE }));
      expect(await migrate(db, await folderOf({ "1-create.sql": CREATE.replaceAll("\n", "\r\n") }))).toEqual([]);
      const changed = migrate(db, await folderOf({ "1-create.sql": `${CREATE} ` }));
      await expect(changed).rejects.toMatchObject({ name: "MigrationError", code: "MIGRATION_CHANGED" });
    });

    test("refuse a new file with a lower number than an applied one", async () => {
      await migrate(db, await folderOf({ "2-create.sql": CREATE }));
      const inserted = migrate(db, await folderOf({ "1-late.sql": "SELECT 1", "2-create.sql": CREATE }));
      await expect(inserted).rejects.toMatchObject({ code: "MIGRATION_ORDER" });
    });

    test("stop at a file that fails, and say what took effect", async () => {
      const folder = await folderOf({
        "1-create.sql": CREATE,
        "2-broken.sql": "INSERT INTO a VALUES (3); INSERT INTO no_such_table VALUES (1);",
        "3-never.sql": "INSERT INTO a VALUES (4)",
      });
      const failed = migrate(db, folder);
      await expect(failed).rejects.toMatchObject({
        code: "MIGRATION_FAILED",
        message: expect.stringMatching(/^2-broken failed .*no_such_table/) as unknown,
        cause: { code: "DATABASE_QUERY" },
      });
      if (db.dialect === "sqlite") {
        await expect(db.query("SELECT 1 FROM a")).rejects.toMatchObject({ code: "DATABASE_QUERY" });
        return;
      }
      expect(await db.query("SELECT COUNT(*) AS n FROM a")).toEqual([{ n: 3 }]);
      await expect(migrate(db, folder)).rejects.toMatchObject({
        code: "MIGRATION_INCOMPLETE",
        message: expect.stringContaining("delete its row in tsgi_migrations") as unknown,
      });
    });

    test.each([
      [{ "create.sql": "" }, /create\.sql must have the form/],
      [{ "1-a.sql": "", "01-b.sql": "" }, /have the same number/],
    ])("refuse the files %j", async (files, message) => {
      const outcome = migrate(db, await folderOf(files));
      await expect(outcome).rejects.toMatchObject({ code: "MIGRATION_FILES" });
      await expect(outcome).rejects.toThrow(message);
    });

    test("refuse a folder that does not exist", async () => {
      await expect(migrate(db, path.join(root, "no-such-folder"))).rejects.toMatchObject({ code: "MIGRATION_FILES" });
    });

    test("run by the command tsgi-migrate", async () => {
      const folder = await folderOf({ "1-create.sql": CREATE });
      expect(runCommand(url, "--list", folder)).toEqual([0, "pending 1-create\n", ""]);
      expect(runCommand(url, folder)).toEqual([0, "applied 1-create\n", ""]);
      expect(runCommand(url, folder)).toEqual([0, "nothing to apply\n", ""]);
      await writeFile(path.join(folder, "1-create.sql"), "");
      expect(runCommand(url, folder)).toEqual([
        1,
        "",
        "tsgi-migrate: MIGRATION_CHANGED: 1-create has changed after it was applied: restore it, and add a new file\n",
      ]);
    });
  });
}

let files = 0;
describeMigrations("SQLite", () => Promise.resolve(`sqlite:${path.join(root, `${++files}.db`)}`));
describeWithMysql("MySQL", (adminUrl) => {
  const drops: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const drop of drops) await drop();
  });
  describeMigrations("MySQL", async () => {
    const database = await createDatabase(adminUrl);
    drops.push(() => database.drop());
    return database.url;
  });
});

test.each([
  ["an unknown option", "sqlite::memory:", ["--now"], /Unknown option '--now'/],
  ["two folders", "sqlite::memory:", ["a", "b"], /^tsgi-migrate: unexpected argument "b"\n\nusage:/],
  ["no database", undefined, [], /DATABASE_URL is missing: set it/],
])("tsgi-migrate with %s is a mistake of usage: exit code 2", (_name, url, args, message) => {
  const [status, , stderr] = runCommand(url, ...args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});

test("tsgi-migrate --help prints the usage on the standard output", () => {
  expect(runCommand(undefined, "--help")).toEqual([0, expect.stringMatching(/^usage: tsgi-migrate/), ""]);
});

function runCommand(url: string | undefined, ...args: readonly string[]): readonly [number | null, string, string] {
  const { DATABASE_URL: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", path.join(import.meta.dirname, "migrate-cli.ts"), ...args],
    { encoding: "utf8", env: url === undefined ? env : { ...env, DATABASE_URL: url } },
  );
  return [status, stdout, stderr];
}
