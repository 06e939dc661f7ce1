/** The REST interface, by the typed client that the pages use. */
import { call, ClientError } from "@tsgi/framework/client";
import { type Database, openDatabase } from "@tsgi/framework/database";
import { type Client, testClient } from "@tsgi/framework/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { api } from "../src/contract.ts";
import { createTestApplication } from "./application.ts";

let database: Database;
let client: Client;
beforeEach(async () => {
  database = await openDatabase("sqlite::memory:");
  client = await testClient(createTestApplication(database));
});
afterEach(() => client.close());

/** `fetch` that goes to the application in this process. */
const options = {
  fetch: async (target: string, { method = "GET", headers, body }: RequestInit) => {
    const response = await client.request(method, target, {
      headers: headers as Record<string, string>,
      ...(typeof body === "string" ? { body } : {}),
    });
    return new Response(response.status === 204 ? null : response.text(), {
      status: response.status,
      headers: Object.fromEntries(response.headers),
    });
  },
};
const demo = { ...options, headers: { authorization: `Basic ${btoa("demo:tsgi-demo")}` } };

async function failure(calling: Promise<unknown>): Promise<readonly [number, string | null]> {
  const error: unknown = await calling.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ClientError)) throw new Error("The call did not fail as expected", { cause: error });
  return [error.status, error.code];
}

describe("stocks", () => {
  test("are listed, found and shown", async () => {
    const list = await call(api.listStocks, { query: { q: "0000", sort: "-price" } }, options);
    expect(list.items.map(({ code }) => code).slice(0, 2)).toEqual(["000050", "000039"]);
    expect([list.page, list.more]).toEqual([1, false]);
    expect(await call(api.showStock, { params: { code: "000007" } }, options)).toMatchObject({
      short: "全新好",
      followed: true,
    });
  });

  test("are followed, noted and unfollowed", async () => {
    const code = "000036";
    expect(await call(api.follow, { json: { code, note: " 好 " } }, options)).toMatchObject({ code, note: "好" });
    expect(await call(api.setNote, { params: { code }, json: { note: "更好" } }, options)).toMatchObject({
      note: "更好",
    });
    expect(await call(api.showFollowed, { params: { code } }, options)).toMatchObject({ note: "更好" });
    expect((await call(api.listFollowed, {}, options)).map((stock) => stock.code)).toContain(code);
    expect(await call(api.unfollow, { params: { code } }, options)).toMatchObject({ code, note: "更好" });
    expect((await call(api.listFollowed, {}, options)).map((stock) => stock.code)).not.toContain(code);
  });

  test("a new one has the status 201 and a location", async () => {
    const response = await client.post("/api/followed", { json: { code: "000036" } });
    expect([response.status, response.headers.get("location")]).toEqual([201, "/api/followed/000036"]);
  });

  test.each([
    ["follow an unknown stock", () => call(api.follow, { json: { code: "999999" } }, options), 404, "STOCK_UNKNOWN"],
    ["follow twice", () => call(api.follow, { json: { code: "000007" } }, options), 409, "STOCK_ALREADY_FOLLOWED"],
    ["a code with letters", () => call(api.follow, { json: { code: "abc" } }, options), 422, "INPUT_INVALID"],
    [
      "a note of 201 characters",
      () => call(api.setNote, { params: { code: "000007" }, json: { note: "好".repeat(201) } }, options),
      422,
      "INPUT_INVALID",
    ],
    [
      "a note of a stock that is not followed",
      () => call(api.setNote, { params: { code: "000036" }, json: { note: "" } }, options),
      404,
      "STOCK_NOT_FOLLOWED",
    ],
    ["unfollow twice", () => call(api.unfollow, { params: { code: "000036" } }, options), 404, "STOCK_NOT_FOLLOWED"],
    ["an unknown user", () => call(api.showUser, { params: { id: 99 } }, options), 404, "USER_UNKNOWN"],
    [
      "a change without a login",
      () => call(api.updateUser, { params: { id: 1 }, json: {} }, options),
      401,
      "LOGIN_REQUIRED",
    ],
    [
      "a name that is taken",
      () => call(api.updateUser, { params: { id: 1 }, json: { name: "李四" } }, demo),
      409,
      "NAME_TAKEN",
    ],
    [
      "a negative age",
      () => call(api.updateUser, { params: { id: 1 }, json: { age: -1 } }, demo),
      422,
      "INPUT_INVALID",
    ],
  ])("refuses %s", async (_title, calling, status, code) => {
    expect(await failure(calling())).toEqual([status, code]);
  });

  test("content that is not JSON is 400", async () => {
    const headers = { "content-type": "application/json" };
    expect((await client.post("/api/followed", { headers, body: "{" })).status).toBe(400);
  });
});

describe("users", () => {
  test("are listed and searched", async () => {
    const names = async (query: { q?: string; sex?: "" | "male" | "female"; city?: string }) =>
      (await call(api.listUsers, { query }, options)).items.map(({ name }) => name);
    expect(await names({})).toEqual(["张三", "李四", "王五", "赵六", "Ann"]);
    expect(await names({ city: "北京" })).toEqual(["张三", "赵六"]);
    expect(await names({ q: "五", sex: "male" })).toEqual(["王五"]);
  });

  test("are changed in part, and added", async () => {
    expect(await call(api.updateUser, { params: { id: 1 }, json: { age: 29 } }, demo)).toEqual({
      id: 1,
      name: "张三",
      age: 29,
      sex: "male",
      city: "北京",
    });
    expect(await call(api.updateUser, { params: { id: 1 }, json: { city: null } }, demo)).toMatchObject({ city: null });
    const added = await call(api.addUser, { json: { name: "新人" } }, demo);
    expect(await call(api.showUser, { params: { id: added.id } }, options)).toEqual({
      id: added.id,
      name: "新人",
      age: null,
      sex: null,
      city: null,
    });
  });
});

test("the document has every route of the interface, and the page of the documentation is there", async () => {
  const document = (await client.get("/openapi.json")).json() as { paths: Record<string, object> };
  const documented = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = Object.values(api).map(
    ({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(?:\(\\d\{6\}\)|<int>)/g, "{$1}")}`,
  );
  expect(documented.toSorted()).toEqual(routes.toSorted());
  const page = await client.get("/docs");
  expect([page.status, page.text()]).toEqual([200, expect.stringContaining("TSGI stock app")]);
  expect((await client.get("/docs/swagger-ui-bundle.js")).status).toBe(200);
});
