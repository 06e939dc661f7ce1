/** The behaviour that every {@link Database} shares. The test of each implementation runs this suite. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";

import type { Database, DatabaseOptions, Queryable } from "@tsgi/framework/database";
import { z } from "zod";

export interface ContractOptions {
  /** Opens a new, empty database. */
  open(options?: DatabaseOptions): Promise<Database>;
  /** Drops all of them, after the suite has closed them. */
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
    const addParentIn = (on: Queryable, name: string) => on.execute("INSERT INTO parent (name) VALUES (?)", [name]);
    const names = async () => {
      const rows = await db.query<{ name: string }>("SELECT name FROM parent ORDER BY id");
      return rows.map((row) => row.name);
    };

    test("ping fulfils while the database responds", async () => {
      await expect(db.ping()).resolves.toBeUndefined();
      await expect(db.ping({ timeoutMs: 5000 })).resolves.toBeUndefined();
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

    test("counts and sums of integers are numbers, and a computed value has its alias as name", async () => {
      await addParent("a");
      await db.execute("INSERT INTO thing (amount) VALUES (7), (7)");
      expect(await db.query("SELECT COUNT(*) AS n, MAX(name) AS last FROM parent")).toStrictEqual([
        { n: 1, last: "a" },
      ]);
      expect(await db.query("SELECT SUM(amount) AS v FROM thing")).toStrictEqual([{ v: 14 }]);
      expect(await db.query("SELECT SUM(amount) AS v FROM thing WHERE amount = 0")).toStrictEqual([{ v: null }]);
    });

    test("a parameter keeps its type", async () => {
      expect(await db.query("SELECT ? AS a, ? AS b, ? AS c, ? AS d", [7, "7", 0.5, null])).toStrictEqual([
        { a: 7, b: "7", c: 0.5, d: null },
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

    test("adds to a 64-bit integer exactly", async () => {
      await db.execute("INSERT INTO thing (amount) VALUES (?)", [9_007_199_254_740_992n]);
      await db.execute("UPDATE thing SET amount = amount + ?", [1]);
      expect(await db.query("SELECT amount FROM thing WHERE amount = ?", [9_007_199_254_740_993n])).toStrictEqual([
        { amount: "9007199254740993" },
      ]);
    });

    test("writes an integer into a text column as its digits", async () => {
      await db.execute("INSERT INTO thing (label) VALUES (?), (?)", [7, 1_000_000_000_000_000]);
      expect(await db.query("SELECT label FROM thing ORDER BY id")).toStrictEqual([
        { label: "7" },
        { label: "1000000000000000" },
      ]);
    });

    test("accepts a number for LIMIT", async () => {
      for (const name of ["a", "b", "c"]) await addParent(name);
      expect(await db.query("SELECT name FROM parent ORDER BY id LIMIT ? OFFSET ?", [1, 1])).toStrictEqual([
        { name: "b" },
      ]);
    });

    test("keeps SQL in a value apart from the statement", async () => {
      const hostile = `'); DROP TABLE parent; -- ? \\ "`;
      await addParent(hostile);
      expect(await names()).toEqual([hostile]);
      expect(await db.query("SELECT name FROM parent WHERE name = ?", [hostile])).toHaveLength(1);
    });

    test("does not count a question mark in text or a comment as a placeholder", async () => {
      const sql = `SELECT '?' AS mark, ? AS value /* why? */ -- why?`;
      expect(await db.query(sql, ["x"])).toStrictEqual([{ mark: "?", value: "x" }]);
    });

    test("reports the matched rows and the new key", async () => {
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

    test("reports nothing of an earlier statement", async () => {
      await addParent("a");
      const nothing = { affectedRows: 0, insertId: 0, insertIdBigInt: 0n };
      expect(await db.execute("SELECT 1")).toStrictEqual(nothing);
      expect(await db.execute("UPDATE parent SET name = 'b' WHERE id = ?", [0])).toStrictEqual(nothing);
      expect(await db.execute("INSERT INTO parent (name) SELECT name FROM parent WHERE id = ?", [0])).toStrictEqual(
        nothing,
      );
    });

    test("inserts a 64-bit key, and reports it exactly", async () => {
      const key = 9_007_199_254_740_993n;
      const type = db.dialect === "mysql" ? "BIGINT AUTO_INCREMENT" : "INTEGER";
      await db.execute(`CREATE TABLE big (id ${type} PRIMARY KEY, name TEXT)`);
      await db.execute("INSERT INTO big (id, name) VALUES (?, 'first')", [key - 1n]);
      expect(await db.execute("INSERT INTO big (name) VALUES ('second')")).toStrictEqual({
        affectedRows: 1,
        insertId: Number.NaN,
        insertIdBigInt: key,
      });
      expect(await db.query("SELECT id, name FROM big WHERE id = ?", [key])).toStrictEqual([
        { id: "9007199254740993", name: "second" },
      ]);
      await db.execute("DROP TABLE big");
    });

    test("checks and converts rows by a schema", async () => {
      await db.execute("INSERT INTO thing (label, amount, price) VALUES (?, ?, ?)", ["a", 1, "10.50"]);
      const Thing = z.object({ label: z.string(), amount: z.number().transform(String), price: z.coerce.number() });
      const rows = await db.query("SELECT label, amount, price, raw FROM thing", [], Thing);
      expect(rows satisfies readonly { label: string; amount: string; price: number }[]).toStrictEqual([
        { label: "a", amount: "1", price: 10.5 },
      ]);
      const wrong = db.query("SELECT label, amount, price FROM thing", [], z.object({ label: z.number() }));
      await expect(wrong).rejects.toMatchObject({
        code: "DATABASE_ROW_INVALID",
        message: expect.stringMatching(/^Row 1 does not match its schema: label: /) as unknown,
      });
      await expect(
        db.query(
          "SELECT 1",
          [],
          z.object({}).refine(async () => true),
        ),
      ).resolves.toHaveLength(1);
    });

    describe("a stream", () => {
      const COUNT = 1000;
      beforeEach(async () => {
        const values = Array.from({ length: COUNT }, (_, index) => `('x', ${index})`).join(", ");
        await db.execute(`INSERT INTO thing (label, amount) VALUES ${values}`);
      });
      const SELECT = "SELECT amount FROM thing WHERE label = ? ORDER BY amount";
      const stream = (on: Queryable) => on.queryStream<{ amount: number }>(SELECT, ["x"]);

      test("gives all rows in order", async () => {
        const amounts: number[] = [];
        for await (const { amount } of stream(db)) amounts.push(amount);
        expect(amounts).toEqual(Array.from({ length: COUNT }, (_, index) => index));
      });

      test("may be left early, and the database remains usable", async () => {
        for (let round = 0; round < 20; round++) {
          for await (const { amount } of stream(db)) if (amount === 150) break;
        }
        expect(await db.query("SELECT COUNT(*) AS n FROM thing")).toEqual([{ n: COUNT }]);
      });

      test("lets other statements run between its rows", async () => {
        for await (const { amount } of stream(db)) {
          if (amount % 250 === 0) await addParent(String(amount));
        }
        expect(await names()).toHaveLength(4);
      });

      test("checks and converts rows by a schema", async () => {
        const Row = z.object({ amount: z.number().transform(String) });
        for await (const { amount } of db.queryStream(SELECT, ["x"], Row)) {
          expect(amount satisfies string).toBe("0");
          break;
        }
        await expect(db.queryStream(SELECT, ["x"], z.object({ amount: z.string() })).next()).rejects.toMatchObject({
          code: "DATABASE_ROW_INVALID",
        });
      });

      test.each([
        ["DATABASE_QUERY", "SELECT * FROM no_such_table WHERE 1 = ?", [1]],
        ["DATABASE_QUERY", "SELECT ? AS a", []],
      ])("with a mistake fails with %s when it is read: %s", async (code, sql, parameters) => {
        await expect(db.queryStream(sql, parameters).next()).rejects.toMatchObject({ code });
        await db.ping();
      });

      test("in a transaction sees its changes, and the next statement must wait for its end", async () => {
        await db.transaction(async (tx) => {
          await tx.execute("UPDATE thing SET amount = amount + 1");
          let first: number | undefined;
          for await (const { amount } of stream(tx)) {
            first ??= amount;
            if (amount > 5) break;
            await expect(tx.query("SELECT 1")).rejects.toMatchObject({ code: "DATABASE_TRANSACTION" });
          }
          expect(first).toBe(1);
          expect(await tx.query("SELECT COUNT(*) AS n FROM thing")).toEqual([{ n: COUNT }]);
        });
        expect(await db.query("SELECT MIN(amount) AS m FROM thing")).toEqual([{ m: 1 }]);
      });

      test("that does not end rolls its transaction back", async () => {
        const work = db.transaction(async (tx) => {
          await addParentIn(tx, "a");
          await stream(tx).next();
        });
        await expect(work).rejects.toMatchObject({ code: "DATABASE_TRANSACTION" });
        expect(await names()).toEqual([]);
      });
    });

    describe("errors", () => {
      test.each([
        ["DATABASE_QUERY", "SELEC 1", []],
        ["DATABASE_QUERY", "SELECT * FROM no_such_table", []],
        ["DATABASE_QUERY", "SELECT 1; SELECT 2", []],
        ["DATABASE_QUERY", "SELECT ? AS a, ? AS b", [1]],
        ["DATABASE_QUERY", "SELECT ? AS a", [1, 2]],
        ["DATABASE_QUERY", "SELECT ? AS a", [undefined as never]],
        ["DATABASE_QUERY", "SELECT ? AS a, ? AS b", [{} as never, 1]],
        ["DATABASE_QUERY", "SELECT ? AS a, ? AS b", [[] as never, 1]],
        ["DATABASE_QUERY", "SELECT ? AS a", [new Date(0) as never]],
        ["DATABASE_QUERY", "SELECT ? AS a", [new Map() as never]],
        ["DATABASE_QUERY", "SELECT ? AS a", [(() => 1) as never]],
        ["DATABASE_QUERY", "SELECT ? AS a", [Symbol("a") as never]],
        ["DATABASE_QUERY", "SELECT ? AS a", [Number.NaN]],
        ["DATABASE_QUERY", "SELECT ? AS a", [Number.POSITIVE_INFINITY]],
        ["DATABASE_QUERY", "SELECT ? AS a", [2n ** 64n]],
        ["DATABASE_QUERY", "SELECT ? AS a", [-(2n ** 63n) - 1n]],
        ["DATABASE_QUERY", "BEGIN", []],
        ["DATABASE_QUERY", " /* a */ begin", []],
        ["DATABASE_QUERY", "; COMMIT", []],
        ["DATABASE_QUERY", "ROLLBACK", []],
        ["DATABASE_QUERY", "SAVEPOINT a", []],
        ["DATABASE_CONSTRAINT", "INSERT INTO parent (name) VALUES (?)", [null]],
        ["DATABASE_CONSTRAINT", "INSERT INTO child (parent_id) VALUES (?)", [123_456]],
        ["DATABASE_CONSTRAINT", "INSERT INTO thing (amount) VALUES (?)", [-13]],
      ])("%s: %s", async (code, sql, parameters) => {
        await expect(db.query(sql, parameters)).rejects.toMatchObject({ name: "DatabaseError", code, status: 500 });
        await expect(db.execute(sql, parameters)).rejects.toMatchObject({ name: "DatabaseError", code });
        await db.ping();
      });

      test("a refused parameter is named by its number and type, and its value is not in the message", async () => {
        const secret = { toString: () => "secret" };
        const error: unknown = await db.query("SELECT ?, ?", [1, secret as never]).catch((reason: unknown) => reason);
        expect(String(error)).toContain("Parameter 2 is of type Object: pass a string");
        expect(String(error)).not.toContain("secret");
      });

      test("DATABASE_DUPLICATE, with the driver's error as its cause", async () => {
        await addParent("a");
        await expect(addParent("a")).rejects.toMatchObject({
          code: "DATABASE_DUPLICATE",
          cause: expect.any(Error) as unknown,
        });
      });

      test("DATABASE_CONSTRAINT for the deletion of a row that another row refers to", async () => {
        const { insertId } = await addParent("a");
        await db.execute("INSERT INTO child (parent_id) VALUES (?)", [insertId]);
        await expect(db.execute("DELETE FROM parent")).rejects.toMatchObject({ code: "DATABASE_CONSTRAINT" });
      });
    });

    describe("a transaction", () => {
      test("commits all of its work and gives the result", async () => {
        const result = await db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["b"]);
          return tx.query("SELECT COUNT(*) AS n FROM parent");
        });
        expect(result).toEqual([{ n: 2 }]);
        expect(await names()).toEqual(["a", "b"]);
      });

      test("rolls all of its work back if the work throws, and throws the same error", async () => {
        const reason = new Error("changed my mind");
        const work = db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          throw reason;
        });
        await expect(work).rejects.toBe(reason);
        expect(await names()).toEqual([]);
      });

      test("rolls back if a statement fails", async () => {
        const work = db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
        });
        await expect(work).rejects.toMatchObject({ code: "DATABASE_DUPLICATE" });
        expect(await names()).toEqual([]);
      });

      test("continues after a failed statement that its work caught", async () => {
        await db.transaction(async (tx) => {
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"]);
          await expect(tx.execute("INSERT INTO parent (name) VALUES (?)", ["a"])).rejects.toThrow(/./);
          await tx.execute("INSERT INTO parent (name) VALUES (?)", ["b"]);
        });
        expect(await names()).toEqual(["a", "b"]);
      });

      test("does not include a statement of another caller", async () => {
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

      test("does not lose an update to other transactions at the same time", async () => {
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
        ["queryStream", (db) => db.queryStream("SELECT 1").next()],
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

      test("leaves the database usable for work that it started and did not wait for", async () => {
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

    describe("a nested transaction", () => {
      test("commits with the outer one, and gives its result", async () => {
        await db.transaction(async (tx) => {
          await addParentIn(tx, "outer");
          expect(await tx.transaction(async (inner) => (await addParentIn(inner, "inner")).affectedRows)).toBe(1);
          await addParentIn(tx, "after");
        });
        expect(await names()).toEqual(["outer", "inner", "after"]);
      });

      test("rolls back its own part if its work throws, and throws the same error", async () => {
        const reason = new Error("no");
        await db.transaction(async (tx) => {
          await addParentIn(tx, "outer");
          const nested = tx.transaction(async (inner) => {
            await addParentIn(inner, "inner");
            await inner.transaction((innermost) => addParentIn(innermost, "innermost"));
            throw reason;
          });
          await expect(nested).rejects.toBe(reason);
        });
        expect(await names()).toEqual(["outer"]);
      });

      test("is rolled back with the outer one", async () => {
        const work = db.transaction(async (tx) => {
          await tx.transaction((inner) => addParentIn(inner, "inner"));
          throw new Error("no");
        });
        await expect(work).rejects.toThrow("no");
        expect(await names()).toEqual([]);
      });

      test("must end before the outer one continues", async () => {
        await db.transaction(async (tx) => {
          await tx.transaction(async (inner) => {
            const refused = { code: "DATABASE_TRANSACTION" };
            await expect(tx.query("SELECT 1")).rejects.toMatchObject(refused);
            await expect(tx.transaction(() => Promise.resolve())).rejects.toMatchObject(refused);
            await addParentIn(inner, "a");
          });
        });
        expect(await names()).toEqual(["a"]);
      });

      test("refuses work after its end", async () => {
        await db.transaction(async (tx) => {
          const { late } = await tx.transaction((inner) => Promise.resolve({ late: inner }));
          await expect(late.query("SELECT 1")).rejects.toMatchObject({ code: "DATABASE_TRANSACTION" });
        });
      });
    });

    describe("limits", () => {
      const openWith = async (limits: DatabaseOptions) => {
        const other = await options.open(limits);
        onTestFinished(() => other.close());
        return other;
      };
      const never = () => new Promise<never>(() => {});

      test("a transaction that exceeds its time limit is rolled back, and rejects with DATABASE_TIMEOUT", async () => {
        let late: Queryable | undefined;
        const work = db.transaction(
          async (tx) => {
            late = tx;
            await addParentIn(tx, "a");
            await never();
          },
          { timeoutMs: 50 },
        );
        await expect(work).rejects.toMatchObject({ code: "DATABASE_TIMEOUT", status: 503 });
        expect(await names()).toEqual([]);
        await expect(late?.query("SELECT 1")).rejects.toMatchObject({ code: "DATABASE_TIMEOUT" });
        await db.transaction((tx) => addParentIn(tx, "b"));
        expect(await names()).toEqual(["b"]);
      });

      test("transactionTimeoutMs is the limit of transactions without their own", async () => {
        const other = await openWith({ transactionTimeoutMs: 50 });
        await expect(other.transaction(never)).rejects.toMatchObject({ code: "DATABASE_TIMEOUT" });
        await other.ping();
      });

      test("a slow statement is logged with its text and without its parameters", async () => {
        const lines: string[] = [];
        const other = await openWith({ slowQueryMs: 0, logger: { warn: (line) => void lines.push(line) } });
        await other.query("SELECT  ?\n AS a", ["secret"]);
        expect(lines).toEqual([expect.stringMatching(/^slow query, \d+ ms: SELECT \? AS a$/)]);
      });

      test("a logger that throws does not fail the statement", async () => {
        const logger = {
          warn() {
            throw new Error("disk full");
          },
        };
        const other = await openWith({ slowQueryMs: 0, logger });
        expect(await other.query("SELECT 1 AS a")).toEqual([{ a: 1 }]);
      });
    });

    test("after close, every call is refused and close fulfils again", async () => {
      await db.close();
      await expect(db.close()).resolves.toBeUndefined();
      const closed = { code: "DATABASE_CLOSED" };
      await expect(db.query("SELECT 1")).rejects.toMatchObject(closed);
      await expect(db.execute("DELETE FROM parent")).rejects.toMatchObject(closed);
      await expect(db.transaction(() => Promise.resolve())).rejects.toMatchObject(closed);
      await expect(db.ping()).rejects.toMatchObject(closed);
      await expect(db.queryStream("SELECT 1").next()).rejects.toMatchObject(closed);
    });
  });
}
