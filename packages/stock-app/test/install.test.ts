import { type Database, openDatabase } from "@tsgi/framework/database";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asAdmin, createDatabase, describeWithMysql, type TestDatabase } from "../../framework/test/mysql-server.ts";
import { install } from "../src/install.ts";
import { startApp } from "./command.ts";
import { describeWithDatabases } from "./databases.ts";

describeWithDatabases("install", (create) => {
  let place: TestDatabase;
  let database: Database;
  beforeEach(async () => {
    place = await create();
    database = await openDatabase(place.url);
  });
  afterEach(async () => {
    await database.close();
    await place.drop();
  });

  const counts = async () => {
    const [row] = await database.query(
      "SELECT (SELECT COUNT(*) FROM info) AS stocks, (SELECT COUNT(*) FROM focus) AS followed, (SELECT COUNT(*) FROM user) AS users",
    );
    return row;
  };

  test("creates the tables, 94 stocks and 5 followed ones in an empty database", async () => {
    await install(database);
    expect(await counts()).toEqual({ stocks: 94, followed: 5, users: 5 });
    expect(await database.query("SELECT * FROM info WHERE id IN (1, 36, 94) ORDER BY id")).toEqual([
      {
        id: 1,
        code: "000007",
        short: "全新好",
        chg: "10.01%",
        turnover: "4.40%",
        price: "16.05",
        highs: "14.60",
        time: "2017-07-18",
      },
      expect.objectContaining({ code: "300268", chg: "-10.00%" }),
      expect.objectContaining({ code: "603993", price: "7.36", time: "2017-07-19" }),
    ]);
    expect(await database.query("SELECT * FROM focus ORDER BY id")).toEqual([
      { id: 2, note_info: "你确定要买这个？", info_id: 36 },
      { id: 3, note_info: "利好", info_id: 37 },
      { id: 9, note_info: "", info_id: 88 },
      { id: 10, note_info: "", info_id: 89 },
      { id: 13, note_info: "", info_id: 1 },
    ]);
  });

  test("does not change a database that has stocks", async () => {
    await install(database);
    await database.execute("DELETE FROM focus");
    await database.execute("DELETE FROM info WHERE id > 1");
    await install(database);
    expect(await counts()).toEqual({ stocks: 1, followed: 0, users: 5 });
  });

  test("finishes an interrupted installation", async () => {
    await install(database);
    await database.execute("DELETE FROM focus");
    await database.execute("DELETE FROM info");
    await database.execute("DROP TABLE user");
    await database.execute("DELETE FROM account");
    await database.execute("DELETE FROM student");
    await install(database);
    expect(await counts()).toEqual({ stocks: 94, followed: 5, users: 5 });
  });

  test("inserts no row if one of them fails", async () => {
    await install(database);
    await database.execute("DROP TABLE focus");
    await database.execute("DELETE FROM info");
    await database.execute("CREATE TABLE focus (id INT)");
    await expect(install(database)).rejects.toMatchObject({ code: "DATABASE_QUERY" });
    expect(await database.query("SELECT id FROM info")).toEqual([]);
  });

  test("runs once if several processes start at once, and all of them serve", async () => {
    const apps = await Promise.all(Array.from({ length: 3 }, () => startApp(place.url)));
    for (const app of apps) await app[Symbol.asyncDispose]();
    expect(await counts()).toEqual({ stocks: 94, followed: 5, users: 5 });
  });
});

describeWithMysql("install on one empty MySQL database", (adminUrl) => {
  test("inserts the rows once if many callers run at once, and none of them fails", async () => {
    const place = await createDatabase(adminUrl);
    const databases = await Promise.all(Array.from({ length: 5 }, () => openDatabase(place.url)));
    try {
      await Promise.all(databases.map(install));
      const counts = await databases[0]?.query(
        "SELECT (SELECT COUNT(*) FROM info) AS stocks, (SELECT COUNT(*) FROM focus) AS followed",
      );
      expect(counts).toEqual([{ stocks: 94, followed: 5 }]);
    } finally {
      await Promise.all(databases.map((database) => database.close()));
      await place.drop();
    }
  });
});

describeWithMysql("a MySQL user who may only read and write", (adminUrl) => {
  test("starts on a database that is set up", async () => {
    const place = await createDatabase(adminUrl);
    const url = new URL(place.url);
    const admin = await openDatabase(place.url);
    await install(admin);
    await admin.close();
    [url.username, url.password] = ["tsgi_reader", "reader-1"];
    try {
      await asAdmin(adminUrl, async (connection) => {
        await connection.query("CREATE USER IF NOT EXISTS 'tsgi_reader'@'%' IDENTIFIED BY 'reader-1'");
        await connection.query(
          `GRANT SELECT, INSERT, UPDATE, DELETE ON \`${url.pathname.slice(1)}\`.* TO 'tsgi_reader'@'%'`,
        );
      });
      const database = await openDatabase(url.href);
      await expect(install(database)).resolves.toBeUndefined();
      await database.close();
    } finally {
      await asAdmin(adminUrl, (connection) => connection.query("DROP USER IF EXISTS 'tsgi_reader'@'%'"));
      await place.drop();
    }
  });
});
