import { type Database, openDatabase } from "@tsgi/framework/database";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { TestDatabase } from "../../framework/test/mysql-server.ts";
import { install } from "../src/install.ts";
import { StockStore } from "../src/stock-store.ts";
import { describeWithDatabases } from "./databases.ts";

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
    const all = await stocks.all();
    expect(all).toHaveLength(94);
    expect(all[0]).toEqual({
      code: "000007",
      short: "全新好",
      chg: "10.01%",
      turnover: "4.40%",
      price: "16.05",
      highs: "14.60",
      time: "2017-07-18",
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

  test("lets one of two who follow at once win", async () => {
    const outcomes = await Promise.all([stocks.follow("000007"), stocks.follow("000007")]);
    expect(outcomes.toSorted()).toEqual(["already followed", "done"]);
    expect(await stocks.followed()).toHaveLength(1);
  });

  test("takes the same note twice", async () => {
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
  ] as const)("says %s", (refusal, code) => {
    test.each<[string, (code: string) => Promise<unknown>]>([
      ["findFollowed", (code) => stocks.findFollowed(code)],
      ["setNote", (code) => stocks.setNote(code, "x")],
      ["unfollow", (code) => stocks.unfollow(code)],
    ])("to %s", async (_method, call) => {
      expect(await call(code)).toBe(refusal);
    });
  });

  test("says no such stock to follow", async () => {
    expect(await stocks.follow("999999")).toBe("no such stock");
  });

  test("keeps a code that looks like SQL apart from the SQL", async () => {
    expect(await stocks.unfollow("' OR 1=1 -- ")).toBe("no such stock");
  });
});
