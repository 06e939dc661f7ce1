import { type Database, openDatabase } from "@tsgi/framework/database";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDatabase, describeWithMysql } from "../../framework/test/mysql-server.ts";
import type { TestDatabase } from "../../framework/test/mysql-server.ts";
import { install } from "../src/install.ts";
import { type ListRequest, PAGE_SIZE } from "../src/contract.ts";
import { listStatement, StockStore } from "../src/stock-store.ts";
import { describeWithDatabases } from "./databases.ts";

const EVERYTHING: ListRequest = { q: "", sort: "", show: "", page: 1 };

describeWithDatabases("the stock store", (create) => {
  let place: TestDatabase;
  let database: Database;
  let stocks: StockStore;
  beforeAll(async () => {
    place = await create();
    database = await openDatabase(place.url);
    await install(database);
    stocks = new StockStore(database);
  });
  beforeEach(async () => {
    await database.execute("DELETE FROM focus");
  });
  afterAll(async () => {
    await database.close();
    await place.drop();
  });

  test("lists all stocks in their order", async () => {
    const { items: all, more } = await stocks.list(EVERYTHING);
    expect(all).toHaveLength(94);
    expect(more).toBe(false);
    expect(all[0]).toEqual({
      code: "000007",
      short: "全新好",
      chg: "10.01%",
      turnover: "4.40%",
      price: "16.05",
      highs: "14.60",
      time: "2017-07-18",
      followed: false,
    });
    expect(all.at(-1)?.code).toBe("603993");
  });

  test("lists the followed ones in the order in which they were followed, with their notes", async () => {
    for (const code of ["603993", "000007"]) expect(await stocks.follow(code)).toBe("done");
    await stocks.setNote("000007", "利好 🙂");
    expect((await stocks.followed()).map(({ code, note }) => [code, note])).toEqual([
      ["603993", ""],
      ["000007", "利好 🙂"],
    ]);
    expect(await stocks.findFollowed("000007")).toMatchObject({ short: "全新好", note: "利好 🙂" });
  });

  test("of two requests to follow at once, one is refused", async () => {
    const outcomes = await Promise.all([stocks.follow("000007"), stocks.follow("000007")]);
    expect(outcomes.toSorted()).toEqual(["already followed", "done"]);
    expect(await stocks.followed()).toHaveLength(1);
  });

  test("accepts the same note twice", async () => {
    await stocks.follow("000007");
    for (let i = 0; i < 2; i++) expect(await stocks.setNote("000007", "好")).toBe("done");
  });

  test("unfollows, and follows again without the old note", async () => {
    await stocks.follow("000007");
    await stocks.setNote("000007", "旧");
    expect(await stocks.unfollow("000007")).toBe("done");
    expect(await stocks.followed()).toEqual([]);
    await stocks.follow("000007");
    expect(await stocks.findFollowed("000007")).toMatchObject({ note: "" });
  });

  describe.each([
    ["no such stock", "999999"],
    ["not followed", "000036"],
  ] as const)("reports %s", (refusal, code) => {
    test.each<[string, (code: string) => Promise<unknown>]>([
      ["findFollowed", (code) => stocks.findFollowed(code)],
      ["setNote", (code) => stocks.setNote(code, "x")],
      ["unfollow", (code) => stocks.unfollow(code)],
    ])("from %s", async (_method, call) => {
      expect(await call(code)).toBe(refusal);
    });
  });

  test("reports that there is no such stock to follow", async () => {
    expect(await stocks.follow("999999")).toBe("no such stock");
  });

  test.each([
    ["a code", { q: "00003" }, ["000036", "000039"]],
    ["a part of a name", { q: "钼" }, ["603993"]],
    ["a percent sign as a letter", { q: "%" }, []],
    ["a quote as a letter", { q: "' OR 1=1 -- " }, []],
    ["falling stocks only", { show: "down", sort: "code", q: "300" }, ["300268"]],
    ["followed stocks only", { show: "followed" }, ["000007"]],
  ] as const)("finds %s", async (_title, request, codes) => {
    await stocks.follow("000007");
    const { items } = await stocks.list({ ...EVERYTHING, ...request });
    expect(items.map(({ code }) => code)).toEqual(codes);
  });

  test.each([
    ["-price", "price", (price: string) => -Number(price)],
    ["price", "price", Number],
    ["-chg", "chg", (change: string) => -Number.parseFloat(change)],
    ["turnover", "turnover", Number.parseFloat],
  ] as const)("sorts by %s as numbers", async (sort, column, toNumber) => {
    const { items } = await stocks.list({ ...EVERYTHING, sort });
    const numbers = items.map((stock) => toNumber(stock[column]));
    expect(numbers).toHaveLength(94);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  test("counts the version up with every change, and with nothing else", async () => {
    const versions = [await stocks.version()];
    const note = async () => versions.push(await stocks.version());
    await stocks.follow("000007").then(note);
    await stocks.follow("000007").then(note);
    await stocks.setNote("000007", "x").then(note);
    await stocks.setNote("000036", "x").then(note);
    await stocks.unfollow("000007").then(note);
    const [start = 0] = versions;
    expect(versions.map((version) => version - start)).toEqual([0, 1, 1, 2, 2, 3]);
  });

  test("follows with a note, as undo does", async () => {
    expect(await stocks.follow("000007", "旧")).toBe("done");
    expect(await stocks.findFollowed("000007")).toMatchObject({ note: "旧" });
  });

  test("keeps a code that looks like SQL apart from the SQL", async () => {
    expect(await stocks.unfollow("' OR 1=1 -- ")).toBe("no such stock");
  });
});

/** No unique key but the primary ones, columns that may be NULL, and the utf8 of three bytes. */
const COURSE_TABLES = [
  `CREATE TABLE info (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, code VARCHAR(6) NOT NULL,
    short VARCHAR(10) NOT NULL, chg VARCHAR(10) NOT NULL, turnover VARCHAR(255) NOT NULL, price DECIMAL(10,2) NOT NULL,
    highs DECIMAL(10,2) NOT NULL, time DATE) ENGINE = InnoDB DEFAULT CHARSET = utf8mb3`,
  `CREATE TABLE focus (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, note_info VARCHAR(200) DEFAULT '',
    info_id INT UNSIGNED, KEY info_id (info_id), FOREIGN KEY (info_id) REFERENCES info (id))
    ENGINE = InnoDB DEFAULT CHARSET = utf8mb3`,
  `INSERT INTO info VALUES (1, '000007', '全新好', '10.01%', '4.40%', 16.05, 14.60, '2017-07-18'),
    (2, '000036', '华联控股', '10.04%', '10.80%', 11.29, 10.26, NULL)`,
  "INSERT INTO focus VALUES (1, NULL, 1)",
];

describeWithMysql("the stock store on the tables of the classic course", (adminUrl) => {
  let place: TestDatabase;
  let database: Database;
  let stocks: StockStore;
  beforeAll(async () => {
    place = await createDatabase(adminUrl);
    database = await openDatabase(place.url);
    for (const statement of COURSE_TABLES) await database.execute(statement);
    await install(database);
    stocks = new StockStore(database);
  });
  afterAll(async () => {
    await database.close();
    await place.drop();
  });

  test("leaves the tables as they are", async () => {
    expect((await stocks.list(EVERYTHING)).items.map(({ code, time }) => [code, time])).toEqual([
      ["000007", "2017-07-18"],
      ["000036", null],
    ]);
  });

  test("shows a note that is NULL as empty", async () => {
    expect(await stocks.findFollowed("000007")).toMatchObject({ note: "" });
  });

  test("follows a stock once, although no unique key forbids a second row", async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => stocks.follow("000036")));
    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "already followed")).toHaveLength(19);
    expect(await stocks.followed()).toHaveLength(2);
  });

  test("refuses a note with a character that the column cannot hold", async () => {
    expect(await stocks.setNote("000007", "利好 📈")).toBe("note not storable");
    expect(await stocks.setNote("000007", "利好")).toBe("done");
  });
});

const LONG = 100_000;

describeWithDatabases("a list of 100,000 stocks", (create) => {
  let place: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    place = await create();
    database = await openDatabase(place.url);
    await install(database);
    const digits =
      "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    const n = "a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d";
    // Codes from 700000 on; the sample stocks end with 603993.
    await database.execute(
      `INSERT INTO info (code, short, chg, turnover, price, highs, time)
       SELECT CAST(700000 + ${n} AS CHAR(6)), '多', '0.00%', '1.00%', '1.00', '1.00', '2017-07-20'
       FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e, ${digits} f`,
    );
    // The optimizer of MariaDB goes by statistics, which it gathers later by itself.
    if (database.dialect === "mysql") await database.query("ANALYZE TABLE info");
  });
  afterAll(async () => {
    await database.close();
    await place.drop();
  });

  test.each(["", "code"] as const)(
    "reads no more rows for the first page than it shows, sorted by %j",
    async (sort) => {
      const [sql, parameters] = listStatement({ ...EVERYTHING, sort });
      if (database.dialect === "sqlite") {
        // A scan in the order of an index stops at the limit; a sort would read all rows first.
        const plan = await database.query<{ readonly detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
        const steps = plan.map(({ detail }) => detail);
        expect(steps[0]).toMatch(sort === "" ? /^SCAN info$/ : /^SCAN info USING INDEX /);
        expect(steps.join()).not.toContain("TEMP B-TREE");
        return;
      }
      const [row] = await database.query<{ readonly ANALYZE: string }>(`ANALYZE FORMAT=JSON ${sql}`, parameters);
      const rows = Array.from(
        (row?.ANALYZE ?? "").matchAll(/"table_name": "info"[^}]*?"r_rows": ([\d.]+)/g),
        ([, count]) => Number(count),
      );
      expect(rows).toEqual([PAGE_SIZE + 1]);
    },
  );

  test("has a next page until its end", async () => {
    const stocks = new StockStore(database);
    const first = await stocks.list(EVERYTHING);
    expect([first.items.length, first.more]).toEqual([PAGE_SIZE, true]);
    const last = await stocks.list({ ...EVERYTHING, page: LONG / PAGE_SIZE + 1 });
    expect([last.items.length, last.more]).toEqual([94, false]);
    expect(last.items.at(-1)?.code).toBe("799999");
  });
});
