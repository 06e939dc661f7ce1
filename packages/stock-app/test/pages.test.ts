import { type Database, openDatabase } from "@tsgi/framework/database";
import { lint } from "@tsgi/gateway-spec/lint";
import { createTestClient, type TestClient, type TestRequest } from "@tsgi/gateway-spec/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createApplication } from "../src/application.ts";
import { MAX_NOTE_LENGTH } from "../src/stock-store.ts";

let database: Database;
let client: TestClient;
beforeEach(async () => {
  database = await openDatabase("sqlite::memory:");
  client = await createTestClient(lint(createApplication(database, () => ({ status: 200, body: "an asset" }))));
});
afterEach(() => client.close());

const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

function get(path: string): ReturnType<TestClient["request"]> {
  return client.request(path, { headers: browser });
}

function post(path: string, form: Record<string, string> = {}, options: TestRequest = {}) {
  const headers = { ...browser, "content-type": "application/x-www-form-urlencoded" };
  return client.request(path, { method: "POST", headers, body: new URLSearchParams(form).toString(), ...options });
}

async function snapshot(): Promise<unknown> {
  return [await database.query("SELECT * FROM info"), await database.query("SELECT * FROM focus")];
}

/** The texts of all elements with a name, without markup. */
function texts(html: string, element: RegExp): readonly string[] {
  return Array.from(html.matchAll(element), ([, text = ""]) => text.replaceAll(/<[^>]*>/g, "").trim());
}

describe("the stock list", () => {
  test("has 94 rows, each with a button that has its code", async () => {
    const response = await get("/index.html");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const page = response.text();
    const codes = texts(page, /<td class="code">(.*?)<\/td>/g);
    expect(codes).toHaveLength(94);
    expect(new Set(codes).size).toBe(94);
    const forms = Array.from(
      page.matchAll(/<form method="post" action="\/add\/(\d+)\.html">\s*<button value="(\d+)"[^>]*>添加<\/button>/g),
      ([, action, value]) => [action, value],
    );
    expect(forms).toEqual(codes.map((code) => [code, code]));
  });

  test("is the first page too", async () => {
    expect((await get("/")).body).toEqual((await get("/index.html")).body);
  });

  test("distinguishes a gain from a loss by more than the colour", async () => {
    const page = (await get("/index.html")).text();
    expect(page).toContain('<td class="number change up">10.01%</td>');
    expect(page).toContain('<td class="number change down">-10.00%</td>');
  });

  test("responds to HEAD without content", async () => {
    const response = await client.request("/index.html", { method: "HEAD" });
    expect([response.status, response.body.byteLength]).toEqual([200, 0]);
  });

  test("escapes markup from the database", async () => {
    await database.execute("UPDATE info SET short = ? WHERE code = '000007'", ["<script>alert(1)</script>"]);
    const page = (await get("/index.html")).text();
    expect(page).not.toContain("<script>");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  });
});

describe("the centre", () => {
  test("lists the followed stocks with their notes, each with edit and delete", async () => {
    const page = (await get("/center.html")).text();
    expect(texts(page, /<td class="code">(.*?)<\/td>/g)).toEqual(["300268", "300280", "601678", "601918", "000007"]);
    expect(texts(page, /<td class="note">(.*?)<\/td>/g)).toEqual(["你确定要买这个？", "利好", "", "", ""]);
    expect(texts(page, /<a class="button" href="\/update\/(\d+)\.html"/g)).toHaveLength(5);
    expect(texts(page, /<form method="post" action="\/delete\/(\d+)\.html"/g)).toHaveLength(5);
  });

  test("shows a note as text, also with markup in it", async () => {
    const note = `"><img src=x onerror=alert(1)> & <%content%> $& '`;
    await post("/update/000007.html", { note });
    const centre = (await get("/center.html")).text();
    expect(centre).toContain("&quot;&gt;&lt;img src=x onerror=alert(1)&gt; &amp; &lt;%content%&gt; $&amp; &#39;");
    expect((await get("/update/000007.html")).text()).not.toContain("<img");
  });

  test("without followed stocks links to the list", async () => {
    await database.execute("DELETE FROM focus");
    const page = (await get("/center.html")).text();
    expect(page).not.toContain("<table");
    expect(page).toContain("还没有关注任何股票");
    expect(page).toContain('href="/index.html">去股票列表');
  });
});

describe("following, noting and unfollowing", () => {
  test("redirect to a page that reports the change", async () => {
    const steps = [
      ["/add/000036.html", "/index.html?done=followed&code=000036#stock-000036", "股票 000036 关注成功。"],
      ["/update/000036.html", "/center.html?done=noted&code=000036", "股票 000036 的备注已保存。"],
      ["/delete/000036.html", "/center.html?done=unfollowed&code=000036", "股票 000036 已取消关注。"],
    ] as const;
    for (const [path, location, sentence] of steps) {
      const response = await post(path, { note: " 好 " });
      expect([response.status, response.headers.get("location")]).toEqual([303, location]);
      // A client does not send the fragment.
      const [target = ""] = location.split("#");
      expect((await get(target)).text()).toContain(`<p class="notice" role="status">${sentence}</p>`);
    }
  });

  test("show the note in its form", async () => {
    await post("/update/000007.html", { note: " 再看看 " });
    expect((await get("/update/000007.html")).text()).toContain('name="note" value="再看看"');
  });

  test.each([
    ["POST", "/add/000007.html", 409, "股票 000007 已经关注过，不用重复添加。"],
    ["POST", "/add/999999.html", 404, "没有代码为 999999 的股票，请检查代码是否正确。"],
    ["GET", "/update/000036.html", 404, "股票 000036 还没有关注，请先在股票列表中添加。"],
    ["POST", "/update/000036.html", 404, "股票 000036 还没有关注，请先在股票列表中添加。"],
    ["POST", "/delete/000036.html", 404, "股票 000036 还没有关注，请先在股票列表中添加。"],
    ["POST", "/delete/999999.html", 404, "没有代码为 999999 的股票，请检查代码是否正确。"],
    ["GET", "/add/7.html", 404, "没有这个页面，请检查网址是否正确。"],
    ["GET", "/nowhere.html", 404, "没有这个页面，请检查网址是否正确。"],
  ])("%s %s is %i: %s", async (method, path, status, sentence) => {
    const before = await snapshot();
    const response = method === "GET" ? await get(path) : await post(path, { note: "x" });
    expect(response.status).toBe(status);
    expect(response.headers.get("vary")).toBe("accept");
    expect(response.text()).toContain(`<p role="alert">${sentence}</p>`);
    expect(await snapshot()).toEqual(before);
  });

  test("accept a note of 200 characters of any length in bytes, and refuse a longer one", async () => {
    expect((await post("/update/000007.html", { note: "🙂".repeat(MAX_NOTE_LENGTH) })).status).toBe(303);
    const response = await post("/update/000007.html", { note: "好".repeat(MAX_NOTE_LENGTH + 1) });
    expect([response.status, response.text()]).toEqual([422, expect.stringContaining("备注最多 200 个字")]);
  });

  test("refuse a form without a note, and content that is not a form", async () => {
    const before = await snapshot();
    expect((await post("/update/300280.html", { other: "x" })).status).toBe(422);
    const json = { headers: { ...browser, "content-type": "application/json" }, body: "{}" };
    expect((await post("/update/300280.html", {}, json)).status).toBe(415);
    expect(await snapshot()).toEqual(before);
  });

  test.each(["/add/000036.html", "/delete/000007.html"])("change nothing on a GET of %s", async (path) => {
    const before = await snapshot();
    for (const method of ["GET", "HEAD"]) {
      const response = await client.request(path, { method, headers: browser });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "OPTIONS, POST"]);
    }
    expect(await snapshot()).toEqual(before);
  });

  test("change nothing on a GET of any page", async () => {
    const before = await snapshot();
    for (const path of ["/", "/index.html", "/center.html", "/update/000007.html"]) await get(path);
    expect(await snapshot()).toEqual(before);
  });

  test.each(["?done=bought&code=000007", "?done=followed&code=<b>", "?done=constructor&code=000007", "?code=000007"])(
    "a made-up query says nothing: %s",
    async (query) => {
      expect((await get(`/center.html${query}`)).body).toEqual((await get("/center.html")).body);
    },
  );

  test("report errors to a program as a problem document", async () => {
    const response = await client.request("/add/000007.html", { method: "POST" });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.json()).toMatchObject({ status: 409, code: "STOCK_ALREADY_FOLLOWED" });
  });
});

test("the assets handle the files of the layout", async () => {
  const page = (await get("/")).text();
  const files = texts(page, /<link [^>]*href="([^"]*)"/g);
  expect(files).toEqual(["/static/favicon.svg", "/static/style.css"]);
  for (const file of files) expect((await get(file)).text()).toBe("an asset");
});
