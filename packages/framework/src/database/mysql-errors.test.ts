/** The errors that pass by themselves, and the classes of unknown ones. A real server raises each of them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createDatabase, describeWithMysql } from "../../test/mysql-server.ts";
import type { TestDatabase } from "../../test/mysql-server.ts";
import type { Database, DatabaseErrorCode } from "./database.ts";
import { openMysql } from "./mysql.ts";

/** The number, the SQLSTATE, our code, and when a server sends it. */
const ERRORS: readonly (readonly [errno: number, sqlState: string, code: DatabaseErrorCode, when: string])[] = [
  [1020, "HY000", "DATABASE_BUSY", "a row changed after the snapshot of the transaction (MariaDB)"],
  [1205, "HY000", "DATABASE_BUSY", "a lock is not released in time"],
  [1206, "HY000", "DATABASE_BUSY", "all locks of the server are in use"],
  [1213, "40001", "DATABASE_BUSY", "a deadlock, or a conflict between nodes of a cluster"],
  [1317, "70100", "DATABASE_BUSY", "KILL QUERY, or a cluster that interrupts a statement"],
  [1412, "HY000", "DATABASE_BUSY", "a migration changes a table that a transaction reads"],
  [1461, "42000", "DATABASE_BUSY", "the server has too many prepared statements"],
  [1615, "HY000", "DATABASE_BUSY", "a prepared statement is older than its table"],
  [1637, "HY000", "DATABASE_BUSY", "too many transactions at a time"],
  [3058, "HY000", "DATABASE_BUSY", "a deadlock of GET_LOCK"],
  [3101, "40000", "DATABASE_BUSY", "a conflict between members of MySQL's group replication"],
  [3572, "HY000", "DATABASE_BUSY", "NOWAIT, and the lock is in use"],
  [1040, "08004", "DATABASE_UNREACHABLE", "the server has too many connections"],
  [1041, "HY000", "DATABASE_UNREACHABLE", "the server has no memory for a thread"],
  [1047, "08S01", "DATABASE_UNREACHABLE", "a node of Galera joins, or has lost the others"],
  [1053, "08S01", "DATABASE_UNREACHABLE", "the server shuts down"],
  [1129, "HY000", "DATABASE_UNREACHABLE", "the server blocks this host"],
  [1152, "08S01", "DATABASE_UNREACHABLE", "the server aborts the connection"],
  [1159, "08S01", "DATABASE_UNREACHABLE", "the server waited too long for a packet"],
  [1180, "HY000", "DATABASE_UNREACHABLE", "a node of Galera loses the others during COMMIT"],
  [1203, "42000", "DATABASE_UNREACHABLE", "the user has too many connections"],
  [1226, "42000", "DATABASE_UNREACHABLE", "the user has used up a limit"],
  [1290, "HY000", "DATABASE_UNREACHABLE", "the server has become a replica: --read-only"],
  [1836, "HY000", "DATABASE_UNREACHABLE", "the server is in read-only mode"],
  [1927, "70100", "DATABASE_UNREACHABLE", "KILL (MariaDB)"],
  [3100, "HY000", "DATABASE_UNREACHABLE", "group replication of MySQL has lost its majority"],
  [3168, "HY000", "DATABASE_UNREACHABLE", "the server is not available"],
  [4031, "HY000", "DATABASE_UNREACHABLE", "the connection was idle for too long (MySQL)"],
  [1969, "70100", "DATABASE_TIMEOUT", "max_statement_time (MariaDB)"],
  [3024, "HY000", "DATABASE_TIMEOUT", "max_execution_time (MySQL)"],
  [9999, "40009", "DATABASE_BUSY", "an unknown number of the SQLSTATE class of rollbacks"],
  [9999, "08009", "DATABASE_UNREACHABLE", "an unknown number of the SQLSTATE class of connections"],
  [9999, "22999", "DATABASE_VALUE_INVALID", "an unknown number of the SQLSTATE class of values"],
  [9999, "23999", "DATABASE_CONSTRAINT", "an unknown number of the SQLSTATE class of constraints"],
  [9999, "45000", "DATABASE_QUERY", "an unknown number of a SIGNAL"],
];

const TEMPORARY: ReadonlySet<DatabaseErrorCode> = new Set([
  "DATABASE_BUSY",
  "DATABASE_UNREACHABLE",
  "DATABASE_TIMEOUT",
]);

describeWithMysql("errors of the server", (adminUrl) => {
  let database: TestDatabase;
  let db: Database;

  const procedure = (sqlState: string) => `raise_${sqlState.toLowerCase()}`;

  /** Of the only connection of the pool. */
  const connectionId = async () => (await db.query<{ id: number }>("SELECT CONNECTION_ID() AS id"))[0]?.id;

  beforeAll(async () => {
    database = await createDatabase(adminUrl);
    db = openMysql(database.url, { maxConnections: 1 });
    await db.execute("CREATE TABLE written (a INT)");
    for (const sqlState of new Set(ERRORS.map(([, state]) => state))) {
      await db.execute(
        `CREATE PROCEDURE ${procedure(sqlState)}(number INT) SIGNAL SQLSTATE '${sqlState}' SET MYSQL_ERRNO = number`,
      );
    }
  });
  afterAll(async () => {
    await db.close();
    await database.drop();
  });

  describe.each(ERRORS)("%i %s is %s: %s", (errno, sqlState, code) => {
    const call = `CALL ${procedure(sqlState)}(${errno})`;
    const status = TEMPORARY.has(code) ? 503 : 500;

    test.each([
      ["a statement", () => db.query(call)],
      ["a stream", () => db.queryStream(call).next()],
    ])("as the error of %s, after which a server that refuses to work gets a new connection", async (_title, run) => {
      const before = await connectionId();
      await expect(run()).rejects.toMatchObject({ code, status, cause: { errno } });
      expect((await connectionId()) === before).toBe(code !== "DATABASE_UNREACHABLE");
    });

    test("as the error of a transaction, which is rolled back, and runs again where that may help", async () => {
      let runs = 0;
      const work = db.transaction(
        async (tx) => {
          runs++;
          await tx.execute("INSERT INTO written VALUES (1)");
          await tx.query(call);
        },
        { retries: 1 },
      );
      await expect(work).rejects.toMatchObject({ code, status });
      expect(runs).toBe(code === "DATABASE_BUSY" ? 2 : 1);
      expect(await db.query("SELECT @@in_transaction AS open, (SELECT COUNT(*) FROM written) AS count")).toEqual([
        { open: 0, count: 0 },
      ]);
    });
  });

  test("a statement that exceeds the time limit of the server leaves no transaction open", async () => {
    const work = db.transaction(async (tx) => {
      await tx.execute("INSERT INTO written VALUES (1)");
      await tx.query("SET STATEMENT max_statement_time = 0.01 FOR SELECT SLEEP(10)");
    });
    await expect(work).rejects.toMatchObject({ code: "DATABASE_TIMEOUT" });
    // The next transaction of the connection would commit what an open one wrote.
    await db.transaction((tx) => tx.query("SELECT 1"));
    expect(await db.query("SELECT * FROM written")).toEqual([]);
  });

  test("the message says that the server refuses, not that it is away", async () => {
    await expect(db.query(`CALL ${procedure("08004")}(1040)`)).rejects.toThrow(
      /^The database server at \S+ refuses to work \(.*\): look into its log$/,
    );
  });
});
