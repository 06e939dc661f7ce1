/** What every {@link Database} does alike: each implementation's test runs this suite. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import type { Database } from "@tsgi/framework/database";

export interface ContractOptions {
  /** Opens an empty database, once. */
  open(): Promise<Database>;
  /** Drops it, after the suite has closed it. */
  drop?(): Promise<void>;
}

export function describeDatabase(name: string, options: ContractOptions): void {
  describe(`the database contract on ${name}`, () => {
    let db: Database;

    beforeAll(async () => {
      db = await options.open();
      const key = db.dialect === "mysql" ? "INT AUTO_INCREMENT PRIMARY KEY" : "INTEGER PRIMARY KEY AUTOINCREMENT";
      // No type for dates and decimals in SQLite: the interface says TEXT.
      const [decimal, datetime] = db.dialect === "mysql" ? ["DECIMAL(8,2)", "DATETIME"] : ["TEXT", "TEXT"];
      await db.execute(`CREATE TABLE parent (id ${key}, name VARCHAR(40) NOT NULL UNIQUE)`);
      await db.execute(
        `CREATE TABLE child (id ${key}, parent_id INT NOT NULL, FOREIGN KEY (parent_id) REFERENCES parent (id))`,
      );
      await db.execute(
        `CREATE TABLE thing (id ${key}, label TEXT, amount BIGINT CHECK (amount <> -13), ratio DOUBLE, price ${decimal}, made ${datetime}, raw BLOB)`,
      );
    });
    afterAll(async () => {
      await db.close();
      await options.drop?.();
    });
    beforeEach(async () => {
      for (const table of ["child", "parent", "thing"]) await db.execute(`DELETE FROM ${table}`);
    });

    const addParent = (name: string | null) => db.execute("INSERT INTO parent (name) VALUES (?)", [name]);
    const names = async () => {
      const rows = await db.query<{ name: string }>("SELECT name FROM parent ORDER BY id");
      return rows.map((row) => row.name);
    };

    test("answers a ping", async () => {
      await expect(db.ping()).resolves.toBeUndefined();
    });

    test("gives integers as number, text, dates and decimals as string, bytes as Uint8Array, NULL as null", async () => {
      const sql = "INSERT INTO thing (label, amount, ratio, price, made, raw) VALUES (?, ?, ?, ?, ?, ?)";
      await db.execute(sql, ["全新好 🙂", -42, 0.5, "10.50", "2026-01-31 09:30:00", new Uint8Array([0, 255, 39])]);
      const [row, ...others] = await db.query("SELECT label, amount, ratio, price, made, raw FROM thing");
      expect(others).toEqual([]);
      const { raw, ...values } = row ?? {};
      expect(values).toStrictEqual({
        label: "全新好 🙂",
        amount: -42,
        ratio: 0.5,
        price: "10.50",
        made: "2026-01-31 09:30:00",
      });
      expect(raw).toBeInstanceOf(Uint8Array);
      expect([...(raw as Uint8Array)]).toEqual([0, 255, 39]);

      await db.execute(sql, [null, null, null, null, null, null]);
      const [empty] = await db.query("SELECT label, amount, ratio, price, made, raw FROM thing WHERE label IS NULL");
      expect(empty).toStrictEqual({ label: null, amount: null, ratio: null, price: null, made: null, raw: null });
    });

    test("counts as numbers, and gives a computed value the name it was given", async () => {
      await addParent("a");
      expect(await db.query("SELECT COUNT(*) AS n, MAX(name) AS last FROM parent")).toStrictEqual([
        { n: 1, last: "a" },
      ]);
    });

    test.each([
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
      [-Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER],
      [9_007_199_254_740_993n, "9007199254740993"],
      [-9_223_372_036_854_775_808n, "-9223372036854775808"],
      [true, 1],
      [false, 0],
    ])("keeps the integer %s exactly", async (stored, read) => {
      await db.execute("INSERT INTO thing (amount) VALUES (?)", [stored]);
      expect(await db.query("SELECT amount FROM thing")).toStrictEqual([{ amount: read }]);
    });

    test("writes an integer into a text column as its digits", async () => {
      await db.execute("INSERT INTO thing (label) VALUES (?), (?)", [7, 1_000_000_000_000_000]);
      expect(await db.query("SELECT label FROM thing ORDER BY id")).toStrictEqual([
        { label: "7" },
        { label: "1000000000000000" },
      ]);
    });

    test("takes a number for LIMIT", async () => {
      for (const name of ["a", "b", "c"]) await addParent(name);
      expect(await db.query("SELECT name FROM parent ORDER BY id LIMIT ? OFFSET ?", [1, 1])).toStrictEqual([
        { name: "b" },
      ]);
    });

    test("sends values apart from the statement, whatever they hold", async () => {
      const hostile = `'); DROP TABLE parent; -- ? \\ "`;
      await addParent(hostile);
      expect(await names()).toEqual([hostile]);
      expect(await db.query("SELECT name FROM parent WHERE name = ?", [hostile])).toHaveLength(1);
    });

    test("takes no question mark in text or a comment for a placeholder", async () => {
      const sql = `SELECT '?' AS mark, ? AS value /* why? */ -- why?`;
      expect(await db.query(sql, ["x"])).toStrictEqual([{ mark: "?", value: "x" }]);
    });

    test("tells how many rows were matched, and the new key", async () => {
      const first = await addParent("a");
      const second = await addParent("b");
      expect(first.affectedRows).toBe(1);
      expect(second.insertId).toBe(first.insertId + 1);
      const key = [second.insertId];
      expect(await db.query("SELECT name FROM parent WHERE id = ?", key)).toStrictEqual([{ name: "b" }]);
      expect(await db.execute("UPDATE parent SET name = 'b' WHERE id = ?", key)).toMatchObject({ affectedRows: 1 });
      expect(await db.execute("DELETE FROM parent WHERE id = ?", [0])).toMatchObject({ affectedRows: 0 });
      expect(await db.execute("DELETE FROM parent")).toMatchObject({ affectedRows: 2 });
    });

    describe("errors", () => {
      test.each([
        ["DATABASE_QUERY", "SELEC 1", []],
        ["DATABASE_QUERY", "SELECT * FROM no_such_table", []],
        ["DATABASE_QUERY", "SELECT 1; SELECT 2", []],
        ["DATABASE_QUERY", "SELECT ? AS a, ? AS b", [1]],
        ["DATABASE_QUERY", "SELECT ? AS a", [1, 2]],
        ["DATABASE_QUERY", "SELECT ? AS a", [undefined as never]],
        ["DATABASE_CONSTRAINT", "INSERT INTO parent (name) VALUES (?)", [null]],
        ["DATABASE_CONSTRAINT", "INSERT INTO child (parent_id) VALUES (?)", [123_456]],
        ["DATABASE_CONSTRAINT", "INSERT INTO thing (amount) VALUES (?)", [-13]],
      ])("%s: %s", async (code, sql, parameters) => {
        await expect(db.query(sql, parameters)).rejects.toMatchObject({ name: "DatabaseError", code, status: 500 });
        await expect(db.execute(sql, parameters)).rejects.toMatchObject({ name: "DatabaseError", code });
        await db.ping();
      });

      test("DATABASE_DUPLICATE, with the driver's error as its cause", async () => {
        await addParent("a");
        await expect(addParent("a")).rejects.toMatchObject({
          code: "DATABASE_DUPLICATE",
          cause: expect.any(Error) as unknown,
        });
      });

      test("DATABASE_CONSTRAINT for a row that another one needs", async () => {
        const { insertId } = await addParent("a");
        await db.execute("INSERT INTO child (parent_id) VALUES (?)", [insertId]);
        await expect(db.execute("DELETE FROM parent")).rejects.toMatchObject({ code: "DATABASE_CONSTRAINT" });
      });
    });

    describe("a transaction", () => {
      test("commits all of it and gives what its work gave", async () => {
        const result = await db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["b"]);
          return tx.query("SELECT COUNT(*) AS n FROM parent");
        });
        expect(result).toEqual([{ n: 2 }]);
        expect(await names()).toEqual(["a", "b"]);
      });

      test("rolls all of it back where its work throws, and throws the same", async () => {
        const reason = new Error("changed my mind");
        const work = db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          throw reason;
        });
        await expect(work).rejects.toBe(reason);
        expect(await names()).toEqual([]);
      });

      test("rolls back where a statement fails", async () => {
        const work = db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
        });
        await expect(work).rejects.toMatchObject({ code: "DATABASE_DUPLICATE" });
        expect(await names()).toEqual([]);
      });

      test("goes on after a failure that its work caught", async () => {
        await db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          await expect(tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"])).rejects.toThrow(/./);
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["b"]);
        });
        expect(await names()).toEqual(["a", "b"]);
      });

      test("does not take in a statement of another caller", async () => {
        const started = Promise.withResolvers<void>();
        const goOn = Promise.withResolvers<void>();
        const rolledBack = db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["inside"]);
          started.resolve();
          await goOn.promise;
          throw new Error("roll back");
        });
        await started.promise;
        const outside = addParent("outside");
        goOn.resolve();
        await expect(rolledBack).rejects.toThrow("roll back");
        await outside;
        expect(await names()).toEqual(["outside"]);
      });

      test("many at once lose no update", async () => {
        await db.execute("INSERT INTO thing (label, amount) VALUES ('counter', 0)");
        await Promise.all(
          Array.from({ length: 25 }, () =>
            db.transaction(async (tx) => {
              await tx.execute("UPDATE thing SET amount = amount + 1 WHERE label = ?", ["counter"]);
              await tx.query("SELECT amount FROM thing");
            }),
          ),
        );
        expect(await db.query("SELECT amount FROM thing")).toEqual([{ amount: 25 }]);
      });

      test.each<[string, (db: Database) => Promise<unknown>]>([
        ["query", (db) => db.query("SELECT 1")],
        ["execute", (db) => db.execute("DELETE FROM parent")],
        ["transaction", (db) => db.transaction(() => Promise.resolve())],
        ["ping", (db) => db.ping()],
      ])("refuses %s of the database inside, and rolls back", async (_name, misuse) => {
        const work = db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          await misuse(db);
        });
        await expect(work).rejects.toMatchObject({ code: "DATABASE_TRANSACTION" });
        expect(await names()).toEqual([]);
      });

      test("refuses work after its end", async () => {
        const late = await db.transaction((tx) => Promise.resolve({ tx }));
        await expect(late.tx.query("SELECT 1")).rejects.toMatchObject({ code: "DATABASE_TRANSACTION" });
        await expect(late.tx.execute("DELETE FROM parent")).rejects.toMatchObject({ code: "DATABASE_TRANSACTION" });
      });

      test("leaves the database open to what it started and did not wait for", async () => {
        const ended = Promise.withResolvers<void>();
        let later: Promise<unknown> | undefined;
        await db.transaction(async (tx) => {
          await tx.query("SELECT 1");
          later = ended.promise.then(() => addParent("later"));
        });
        ended.resolve();
        await later;
        expect(await names()).toEqual(["later"]);
      });
    });

    test("after close, every call is refused and close is still quiet", async () => {
      await db.close();
      await expect(db.close()).resolves.toBeUndefined();
      const closed = { code: "DATABASE_CLOSED" };
      await expect(db.query("SELECT 1")).rejects.toMatchObject(closed);
      await expect(db.execute("DELETE FROM parent")).rejects.toMatchObject(closed);
      await expect(db.transaction(() => Promise.resolve())).rejects.toMatchObject(closed);
      await expect(db.ping()).rejects.toMatchObject(closed);
    });
  });
}
