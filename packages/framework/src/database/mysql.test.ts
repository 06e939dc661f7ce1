import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { promisify } from "node:util";

import type { RowDataPacket } from "mysql2/promise";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

import { describeDatabase } from "../../test/database-contract.ts";
import { asAdmin, createDatabase, describeWithMysql, withDatabase } from "../../test/mysql-server.ts";
import type { TestDatabase } from "../../test/mysql-server.ts";
import { openDatabase } from "./database.ts";
import type { Database, Queryable, TransactionOptions } from "./database.ts";
import { openMysql } from "./mysql.ts";
import type { MysqlOptions } from "./mysql.ts";

const UNREACHABLE = { name: "DatabaseError", code: "DATABASE_UNREACHABLE", status: 503 };
const BUSY = { name: "DatabaseError", code: "DATABASE_BUSY", status: 503 };
const TIMEOUT = { name: "DatabaseError", code: "DATABASE_TIMEOUT", status: 503 };

describeWithMysql("MySQL", (adminUrl) => {
  const opened: TestDatabase[] = [];
  describeDatabase("MySQL", {
    async open(options) {
      const database = await createDatabase(adminUrl);
      opened.push(database);
      return openDatabase(database.url, options);
    },
    async drop() {
      for (const database of opened) await database.drop();
    },
  });

  describe("values", () => {
    let database: TestDatabase;
    let db: Database;
    beforeAll(async () => {
      database = await createDatabase(adminUrl);
      db = openMysql(database.url);
    });
    afterAll(async () => {
      await db.close();
      await database.drop();
    });

    test("a FLOAT is the shortest decimal that it holds", async () => {
      await db.execute("CREATE TABLE f (f FLOAT)");
      const values = [3.14, -0.1, 16_777_216, 1.5e-10, 3.4e38, 1 / 3];
      for (const value of values) await db.execute("INSERT INTO f VALUES (?)", [value]);
      const rows = await db.query<{ f: number }>("SELECT f FROM f");
      expect(rows.map(({ f }) => f)).toEqual([3.14, -0.1, 16_777_216, 1.5e-10, 3.4e38, 0.333_333_34]);
    });

    test("a DECIMAL without fraction digits is an integer, one with them is text", async () => {
      expect(
        await db.query("SELECT CAST(7 AS DECIMAL(5,0)) AS a, CAST(7 AS DECIMAL(5,2)) AS b, ? AS c", [2n ** 64n - 1n]),
      ).toEqual([{ a: 7, b: "7.00", c: "18446744073709551615" }]);
      expect(await db.query("SELECT CAST('9007199254740993' AS DECIMAL(20,0)) AS a")).toEqual([
        { a: "9007199254740993" },
      ]);
    });

    test("CALL gives the rows of its first SELECT, or its count", async () => {
      await db.execute("CREATE TABLE c (a INT)");
      await db.execute("CREATE PROCEDURE two() BEGIN SELECT 1 AS a UNION SELECT 2; SELECT 3 AS b; END");
      await db.execute("CREATE PROCEDURE none() BEGIN SELECT 1 AS a FROM c; END");
      await db.execute("CREATE PROCEDURE adds() BEGIN INSERT INTO c VALUES (1), (2); END");
      expect(await db.query("CALL two()")).toEqual([{ a: 1 }, { a: 2 }]);
      expect(await db.query("CALL none()")).toEqual([]);
      expect(await db.query("CALL adds()")).toEqual([]);
      expect(await db.execute("CALL adds()")).toMatchObject({ affectedRows: 2 });
    });

    test("a column named __proto__ is DATABASE_QUERY", async () => {
      await expect(db.query("SELECT 1 AS `__proto__`")).rejects.toMatchObject({ code: "DATABASE_QUERY" });
      await db.ping();
    });

    test("a statement in an executable comment cannot end a transaction", async () => {
      await expect(db.execute("/*!40000 COMMIT */")).rejects.toMatchObject({ code: "DATABASE_QUERY" });
    });

    test.each(["BEGIN", "START TRANSACTION READ ONLY", "XA START 'a'", "LOCK TABLES f WRITE", "UNLOCK TABLES"])(
      "%s by hand is refused",
      async (sql) => {
        await expect(db.execute(sql)).rejects.toMatchObject({
          code: "DATABASE_QUERY",
          message: expect.stringContaining("use database.transaction(work)") as unknown,
        });
      },
    );

    test("SET autocommit by hand is refused, other settings are not", async () => {
      await expect(db.execute("SET @@session.autocommit = 0")).rejects.toMatchObject({ code: "DATABASE_QUERY" });
      await db.execute("SET @a = 1");
    });

    test.each(["", "STRICT_TRANS_TABLES", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"])(
      "what a column cannot hold is DATABASE_VALUE_INVALID on a server with sql_mode %j",
      async (mode) => {
        await asAdmin(adminUrl, async (admin) => {
          const [[before]] = await admin.query<RowDataPacket[]>("SELECT @@GLOBAL.sql_mode AS mode");
          await admin.query("SET GLOBAL sql_mode = ?", [mode]);
          const strict = openMysql(database.url);
          try {
            await strict.execute("DROP TABLE IF EXISTS v");
            await strict.execute(
              "CREATE TABLE v (a VARCHAR(3) CHARACTER SET utf8mb3, b TINYINT, d DATE) DEFAULT CHARSET = utf8mb3",
            );
            for (const [sql, value] of [
              ["INSERT INTO v (a) VALUES (?)", "📈"],
              ["INSERT INTO v (a) VALUES (?)", "abcd"],
              ["INSERT INTO v (b) VALUES (?)", 1000],
              ["INSERT INTO v (b) VALUES (?)", "x"],
              ["INSERT INTO v (d) VALUES (?)", "2026-02-31"],
            ] as const) {
              await expect(strict.execute(sql, [value])).rejects.toMatchObject({ code: "DATABASE_VALUE_INVALID" });
            }
            await strict.execute("INSERT INTO v (a) VALUES (?)", ["全新好"]);
            expect(await strict.query(`SELECT a, '\\'?' AS q FROM v WHERE a = ?`, ["全新好"])).toEqual([
              { a: "全新好", q: "'?" },
            ]);
          } finally {
            await strict.close();
            await admin.query("SET GLOBAL sql_mode = ?", [before?.["mode"]]);
          }
        });
      },
    );
  });

  describe("a transaction", () => {
    let database: TestDatabase;
    let db: Database;
    beforeAll(async () => {
      database = await createDatabase(adminUrl);
      db = openMysql(database.url);
      await db.execute("CREATE TABLE account (id INT PRIMARY KEY, amount INT NOT NULL)");
    });
    beforeEach(async () => {
      await db.execute("DELETE FROM account");
      await db.execute("INSERT INTO account VALUES (1, 0), (2, 0)");
    });
    afterAll(async () => {
      await db.close();
      await database.drop();
    });

    const add = (tx: Queryable, id: number) => tx.execute("UPDATE account SET amount = amount + 1 WHERE id = ?", [id]);
    const amounts = async () =>
      (await db.query<{ amount: number }>("SELECT amount FROM account")).map((row) => row.amount);

    /** Two transactions that wait for each other. The first may treat errors as it likes. */
    const deadlock = (
      first: (step: () => Promise<unknown>) => Promise<unknown>,
      options: TransactionOptions = {},
    ): Promise<readonly PromiseSettledResult<unknown>[]> => {
      const locked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      const run = (own: 0 | 1, wrap: (step: () => Promise<unknown>) => Promise<unknown>) =>
        db.transaction(async (tx) => {
          await add(tx, own + 1);
          locked[own].resolve();
          await locked[(1 - own) as 0 | 1].promise;
          await wrap(() => add(tx, 2 - own));
          return tx.query("SELECT 1");
        }, options);
      return Promise.allSettled([run(0, first), run(1, first)]);
    };

    test("that was the victim of a deadlock rejects, although its work caught the error", async () => {
      const outcomes = await deadlock((step) => step().catch(() => {}));
      const rejected = outcomes.filter((outcome) => outcome.status === "rejected");
      expect(rejected.map(({ reason }) => reason as unknown)).toEqual([expect.objectContaining(BUSY)]);
      // Only the other one was committed.
      expect(await amounts()).toEqual([1, 1]);
    });

    test("runs its work again after a deadlock, as often as the option retries allows", async () => {
      const outcomes = await deadlock((step) => step(), { retries: 3 });
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
      expect(await amounts()).toEqual([2, 2]);
    });

    test("does not run its work again after another error", async () => {
      let runs = 0;
      const work = db.transaction(
        async (tx) => {
          runs++;
          await tx.execute("INSERT INTO account VALUES (1, 0)");
        },
        { retries: 3 },
      );
      await expect(work).rejects.toMatchObject({ code: "DATABASE_DUPLICATE" });
      expect(runs).toBe(1);
    });

    test("rejects with DATABASE_TRANSACTION if a statement of it commits", async () => {
      const work = db.transaction(async (tx) => {
        await add(tx, 1);
        await tx.execute("CREATE TABLE implicit (a INT)").catch(() => {});
        await add(tx, 2);
      });
      await expect(work).rejects.toMatchObject({
        code: "DATABASE_TRANSACTION",
        message: expect.stringContaining("has committed the transaction") as unknown,
      });
      expect(await amounts()).toEqual([1, 0]);
    });
  });

  describe("the address", () => {
    const variables = () =>
      asAdmin(adminUrl, async (admin) => {
        const [[row]] = await admin.query<RowDataPacket[]>("SELECT @@ssl_cert AS cert, @@socket AS socket");
        return { cert: String(row?.["cert"] ?? ""), socket: String(row?.["socket"]) };
      });
    const cipher = async (url: string) => {
      const db = openMysql(url);
      onTestFinished(() => db.close());
      const [row] = await db.query<{ Value: string }>("SHOW STATUS LIKE 'Ssl_cipher'");
      return row?.Value;
    };
    const onLocalhost = (query: string) => {
      const url = new URL(adminUrl);
      url.hostname = "localhost";
      url.search = query;
      return url.href;
    };

    test("may be a Unix socket", async () => {
      const { socket } = await variables();
      const url = new URL(adminUrl);
      url.port = "1";
      url.search = `?socket=${socket}`;
      const db = openMysql(url.href);
      onTestFinished(() => db.close());
      expect(await db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
      await expect(failureOf(onLocalhost("?socket=/no/such.sock"))).resolves.toMatchObject({
        code: "DATABASE_UNREACHABLE",
        message: expect.stringContaining("/no/such.sock") as unknown,
      });
    });

    test("may ask for TLS, whose certificate is verified", async ({ skip }) => {
      const { cert } = await variables();
      if (cert === "") skip("needs a server with a certificate");
      expect(await cipher(onLocalhost(""))).toBe("");
      expect(await cipher(onLocalhost(`?tls-ca=${cert}`))).toMatch(/^TLS_/);
      await expect(failureOf(onLocalhost("?tls=true"))).resolves.toMatchObject({
        code: "DATABASE_UNREACHABLE",
        message: expect.stringContaining("certificate") as unknown,
      });
    });
  });

  describe("a server that refuses", () => {
    test("the password: DATABASE_ACCESS_DENIED names the user, not the password", async () => {
      const url = new URL(adminUrl);
      url.username = "tsgi_nobody";
      url.password = "tsgi-secret-1";
      const error = await failureOf(url.href);
      expect(error).toMatchObject({ code: "DATABASE_ACCESS_DENIED", status: 500 });
      expect(String(error)).toContain('"tsgi_nobody"');
      expect(String(error)).toContain("correct user and password");
      expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toContain("tsgi-secret-1");
    });

    test("the database's name: DATABASE_UNKNOWN names it", async () => {
      const error = await failureOf(withDatabase(adminUrl, "tsgi_no_such_database"));
      expect(error).toMatchObject({ code: "DATABASE_UNKNOWN" });
      expect(String(error)).toContain('no database "tsgi_no_such_database"');
    });

    test("a statement on tables where the URL has no database's name: DATABASE_UNKNOWN", async () => {
      const db = openMysql(withDatabase(adminUrl, ""));
      const error = await db.query("SELECT id FROM info").catch((reason: unknown) => reason);
      await db.close();
      expect(error).toMatchObject({ code: "DATABASE_UNKNOWN" });
      expect(String(error)).toContain("names no database");
    });
  });

  describe("a server that is lost while in use", () => {
    let database: TestDatabase;
    let url: string;
    let relay: Relay;
    let db: Database;

    beforeAll(async () => {
      database = await createDatabase(adminUrl);
      url = database.url;
      relay = new Relay(new URL(url));
      await relay.listen();
      db = openMysql(relay.rewrite(url));
      await db.execute("CREATE TABLE t (a INT)");
    });
    /** Each connection of the pool may be a dead one that has not been found out yet; one more must be a new one. */
    const recover = async () => {
      for (let i = 0; i < 10; i++) await db.ping().catch(() => {});
      await db.ping();
    };
    /** The limits of statements and of waiting callers go by a clock that the test moves: a slow machine exceeds none. */
    const stopClock = () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    afterEach(async () => {
      vi.useRealTimers();
      relay.become("open");
      await recover();
      await db.execute("DELETE FROM t");
    });
    afterAll(async () => {
      await db.close();
      await relay.close();
      await database.drop();
    });

    const burst = (count: number) => Promise.all(Array.from({ length: count }, () => db.query("SELECT 1 AS one")));

    test("is DATABASE_UNREACHABLE while it is away, and in use again when it is back", async () => {
      await burst(20);
      relay.become("refusing");
      // More callers than the pool has connections: each gets an error, and none occupies a place in the pool.
      for (let i = 0; i < 30; i++) await expect(db.query("SELECT 1")).rejects.toMatchObject(UNREACHABLE);
      await expect(db.transaction((tx) => tx.query("SELECT 1"))).rejects.toMatchObject(UNREACHABLE);
      await expect(db.ping()).rejects.toMatchObject(UNREACHABLE);
      relay.become("open");
      await db.ping();
      expect(await burst(20)).toHaveLength(20);
    });

    test("fails the statements that were running, and only those", async () => {
      const running = Array.from({ length: 3 }, () =>
        expect(db.query("SELECT SLEEP(10)")).rejects.toMatchObject(UNREACHABLE),
      );
      await connectionsOnceBusy(url, "SELECT SLEEP(10)", 3);
      relay.reset();
      await Promise.all(running);
      await recover();
      expect(await burst(20)).toHaveLength(20);
    });

    test("rolls back a transaction that was running", async () => {
      const work = db.transaction(async (tx) => {
        await tx.execute("INSERT INTO t VALUES (?)", [1]);
        relay.reset();
        await tx.execute("INSERT INTO t VALUES (?)", [2]);
      });
      await expect(work).rejects.toMatchObject(UNREACHABLE);
      await recover();
      expect(await db.query("SELECT a FROM t")).toEqual([]);
    });

    test("recovers from connections that the server killed", async () => {
      await burst(5);
      const running = expect(db.query("SELECT SLEEP(11)")).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
      const ids = await connectionsOnceBusy(url, "SELECT SLEEP(11)", 1);
      expect(ids.length).toBeGreaterThan(1);
      await asAdmin(adminUrl, async (admin) => {
        // A connection of an earlier test may end in between.
        const hasEnded = (error: { readonly code?: string }) => expect(error.code).toBe("ER_NO_SUCH_THREAD");
        for (const id of ids) await admin.query(`KILL ${id}`).catch(hasEnded);
      });
      await running;
      await recover();
      expect(await burst(20)).toHaveLength(20);
    });

    test("a statement that is refused before it is sent has no time limit that could close the connection later", async () => {
      stopClock();
      const limited = openFor(url, { maxConnections: 1, statementTimeoutMs: 200 });
      const connection = () => limited.query("SELECT CONNECTION_ID() AS id");
      const before = await connection();
      await limited.transaction(async (tx) => {
        await expect(tx.query("SELECT ?", [])).rejects.toMatchObject({ code: "DATABASE_QUERY" });
        await expect(tx.execute("DO 1", [1])).rejects.toMatchObject({ code: "DATABASE_QUERY" });
      });
      await vi.advanceTimersByTimeAsync(200);
      expect(await connection()).toEqual(before);
    });

    test("a statement without a response in time is DATABASE_TIMEOUT, and its connection is closed", async () => {
      stopClock();
      const limited = openFor(relay.rewrite(url), { maxConnections: 1, statementTimeoutMs: 200 });
      await limited.ping();
      relay.become("silent");
      const sent = relay.receivesBytes(1);
      const late = expect(limited.query("SELECT 1")).rejects.toMatchObject(TIMEOUT);
      await sent;
      vi.advanceTimersByTime(200);
      await late;
      await relay.reopen();
      expect(await limited.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    test("a new connection whose session the server refuses to set fails the statement that waits for it", async () => {
      relay.replace("STRICT_ALL_TABLES", "STRICT_NO_TABLES_");
      const one = openFor(relay.rewrite(url), { maxConnections: 1 });
      await expect(one.query("SELECT 1")).rejects.toMatchObject(UNREACHABLE);
      relay.replace("", "");
      expect(await one.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    test("a stream without a row in time is DATABASE_TIMEOUT", async () => {
      stopClock();
      const limited = openFor(relay.rewrite(url), { maxConnections: 1, statementTimeoutMs: 200 });
      await limited.ping();
      relay.become("silent");
      const sent = relay.receivesBytes(1);
      const late = expect(limited.queryStream("SELECT 1").next()).rejects.toMatchObject(TIMEOUT);
      await sent;
      vi.advanceTimersByTime(200);
      await late;
      await relay.reopen();
      expect(await limited.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    test("a stream does not read faster than its rows are consumed", async () => {
      const one = openFor(relay.rewrite(url), { maxConnections: 1 });
      const digits =
        "(SELECT 0 UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6)";
      const rows = one.queryStream(
        `SELECT REPEAT('x', 20000) AS x FROM ${digits} a, ${digits} b, ${digits} c, ${digits} d`,
      );
      const totalBytes = 7 ** 4 * 20_000;
      const received = relay.receivesBytes(totalBytes);
      expect((await rows.next()).done).toBe(false);
      // The relay takes all that the server sends, and keeps what the database has not read.
      await received;
      expect(relay.unreadBytes()).toBeGreaterThan(totalBytes / 2);
      await rows.return?.();
    });

    test("a ping without a response in time is DATABASE_TIMEOUT", async () => {
      const limited = openFor(relay.rewrite(url), { maxConnections: 1 });
      await limited.ping();
      relay.become("silent");
      await expect(limited.ping({ timeoutMs: 100 })).rejects.toMatchObject(TIMEOUT);
      await relay.reopen();
      await limited.ping();
    });

    test("a transaction that exceeds its limit does not wait for the statement that runs", async () => {
      const limited = openFor(relay.rewrite(url), { maxConnections: 1 });
      await limited.ping();
      let statement: Promise<unknown> | undefined;
      const work = limited.transaction((tx) => (statement = tx.query("SELECT SLEEP(12)")), { timeoutMs: 100 });
      await expect(work).rejects.toMatchObject(TIMEOUT);
      await expect(statement).rejects.toMatchObject(TIMEOUT);
      expect(await limited.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    test("a caller that gets no connection in time is refused with DATABASE_BUSY, and the pool remains usable", async () => {
      stopClock();
      const narrow = openFor(url, { maxConnections: 1, maxQueue: 1, acquireTimeoutMs: 100 });
      const entered = Promise.withResolvers<void>();
      const leave = Promise.withResolvers<void>();
      const holder = narrow.transaction(async () => {
        entered.resolve();
        await leave.promise;
      });
      await entered.promise;
      const queued = expect(narrow.query("SELECT 1")).rejects.toMatchObject(BUSY);
      await expect(narrow.query("SELECT 1")).rejects.toMatchObject(BUSY);
      vi.advanceTimersByTime(100);
      await queued;
      leave.resolve();
      await holder;
      expect(await narrow.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });
  });
});

describe("no server", () => {
  test("listens at the port: the message names host and port, not the password", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = portOf(server);
    await promisify(server.close.bind(server))();
    const error = await failureOf(`mysql://root:tsgi-secret-2@127.0.0.1:${port}/shop`);
    expect(error).toMatchObject(UNREACHABLE);
    expect(String(error)).toContain(`127.0.0.1:${port}`);
    expect(String(error)).not.toContain("tsgi-secret-2");
  });

  test("responds after it accepted the connection: DATABASE_UNREACHABLE after connectTimeoutMs", async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = portOf(server);
    const db = openFor(`mysql://root@127.0.0.1:${port}/shop`, { connectTimeoutMs: 50 });
    await expect(db.ping()).rejects.toMatchObject(UNREACHABLE);
    for (const socket of sockets) socket.destroy();
    await promisify(server.close.bind(server))();
  });
});

test.each([
  "mysql://",
  "mysql:///name",
  "mysql://user:secret@host:99999/name",
  "mysql://user:secret@host/name?multipleStatements=true",
  "mysql://user:secret@host/name?tls=maybe",
  "mysql://user:secret@host/name?tls=false&tls-ca=/secret.pem",
  "mysql://user:secret@host/name?socket=",
  "mysql://user:secret@host/name?tls-ca=/no/such/secret.pem",
  "mysql://user:secret%@host/name",
  "mysql://user:secret#x@host/name",
  "mysql://user:4711#secret@host/name",
  "mysql://user:4711/secret@host/name",
  "mysql://user:4711?secret@host/name",
  "mysql://user:sec/ret@host/name",
])("the URL %j is DATABASE_URL_INVALID, and the error repeats no part of a password", async (url) => {
  const error: unknown = await openDatabase(url).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "DATABASE_URL_INVALID" });
  expect(String(error)).not.toMatch(/secret|sec|4711/);
});

function openFor(url: string, options: MysqlOptions): Database {
  const db = openMysql(url, options);
  onTestFinished(() => db.close());
  return db;
}

async function failureOf(url: string): Promise<unknown> {
  return openFor(url, {})
    .ping()
    .then(
      () => expect.unreachable("the ping must fail"),
      (error: unknown) => error,
    );
}

/** Waits until `count` connections run the statement, and gives all that are open in the database of `url`. */
async function connectionsOnceBusy(url: string, sql: string, count: number): Promise<readonly number[]> {
  return asAdmin(url, async (admin) => {
    const [self] = await admin.query<RowDataPacket[]>("SELECT CONNECTION_ID() AS id");
    for (;;) {
      const [rows] = await admin.query<RowDataPacket[]>(
        "SELECT id, info = ? AS busy FROM information_schema.processlist WHERE db = DATABASE()",
        [sql],
      );
      if (rows.filter((row) => row["busy"] === 1).length === count) {
        return rows.map((row) => Number(row["id"])).filter((id) => id !== self[0]?.["id"]);
      }
    }
  });
}

/** A TCP relay in front of the server, which simulates its outages. */
class Relay {
  /** `silent` keeps connections open and forwards nothing. */
  #mode: "open" | "refusing" | "silent" = "open";
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Two texts of one length: the first one is replaced in what clients send. */
  #replacement: readonly [string, string] = ["", ""];
  #receivedBytes = 0;
  #onBytes = (): void => {};

  constructor(target: URL) {
    this.#server = createServer((client) => {
      if (this.#mode === "refusing") {
        client.resetAndDestroy();
        return;
      }
      const upstream = connect(Number(target.port || 3306), target.hostname);
      this.#forward(client, upstream, (data) => {
        const [from, to] = this.#replacement;
        return from === "" ? data : Buffer.from(data.toString("latin1").replace(from, to), "latin1");
      });
      this.#forward(upstream, client);
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** The URL with the address of the relay. */
  rewrite(url: string): string {
    const relayed = new URL(url);
    relayed.hostname = "127.0.0.1";
    relayed.port = String(portOf(this.#server));
    return relayed.href;
  }

  /** `refusing` resets open connections, too. */
  become(mode: "open" | "refusing" | "silent"): void {
    this.#mode = mode;
    if (mode === "refusing") this.reset();
  }

  replace(from: string, to: string): void {
    this.#replacement = [from, to];
  }

  /** Open again. The silent connections have lost bytes, so they end. */
  async reopen(): Promise<void> {
    this.become("open");
    this.reset();
    await Promise.all([...this.#sockets].map((socket) => once(socket, "close")));
  }

  /** Waits until the relay has received that many bytes from now on. */
  async receivesBytes(count: number): Promise<void> {
    this.#receivedBytes = 0;
    const enough = Promise.withResolvers<void>();
    this.#onBytes = () => {
      if (this.#receivedBytes >= count) enough.resolve();
    };
    await enough.promise;
  }

  /** Bytes that the relay could not pass on yet. */
  unreadBytes(): number {
    return [...this.#sockets].reduce((sum, socket) => sum + socket.writableLength, 0);
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.reset();
    await promisify(this.#server.close.bind(this.#server))();
  }

  #forward(from: Socket, to: Socket, change: (data: Buffer) => Buffer = (data) => data): void {
    this.#sockets.add(from);
    from.on("data", (data: Buffer) => {
      this.#receivedBytes += data.length;
      this.#onBytes();
      if (this.#mode !== "silent") to.write(change(data));
    });
    // The effect of a reset on the other end.
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
