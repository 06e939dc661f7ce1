import { type Database, openDatabase } from "@tsgi/framework/database";
import { type Client, type ClientRequest, testClient } from "@tsgi/framework/testing";
import { lint } from "@tsgi/gateway-spec/lint";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { MAX_NOTE_LENGTH } from "../src/note.ts";
import { SENTENCES } from "../src/sentences.ts";
import { createTestApplication } from "./application.ts";

let database: Database;
let client: Client;
let warnings: string[];
beforeEach(async () => {
  database = await openDatabase("sqlite::memory:");
  warnings = [];
  const assets = () => ({ status: 200, body: "an asset" });
  client = await testClient(
    lint(createTestApplication(database, { assets, warn: (line) => void warnings.push(line) })),
  );
});
afterEach(() => client.close());

const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

function get(path: string, headers: Record<string, string> = {}) {
  return client.get(path, { headers: { ...browser, ...headers } });
}

function post(path: string, form: Record<string, string> = {}, options: ClientRequest = {}) {
  return client.post(path, { headers: browser, ...("body" in options ? {} : { form }), ...options });
}

async function snapshot(): Promise<unknown> {
  return [await database.query("SELECT * FROM info"), await database.query("SELECT * FROM focus")];
}

/** The texts of all elements with a name, without markup. */
function texts(html: string, element: RegExp): readonly string[] {
  return Array.from(html.matchAll(element), ([, text = ""]) => text.replaceAll(/<[^>]*>/g, "").trim());
}

const codesOf = (page: string) => texts(page, /<td class="code">(.*?)<\/td>/g);
const noticeOf = (page: string) => texts(page, /<p role="status">(.*?)<\/p>/g);
const alertsOf = (page: string) => texts(page, /<p[^>]* role="alert">(.*?)<\/p>/g).filter((text) => text !== "");

describe("the stock list", () => {
  test("has 94 rows with numbers, each with a button for its stock", async () => {
    const response = await get("/index.html");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const page = response.text();
    const codes = codesOf(page);
    expect(codes).toHaveLength(94);
    expect(new Set(codes).size).toBe(94);
    expect(texts(page, /<td class="number row">(.*?)<\/td>/g)).toEqual(codes.map((_code, i) => String(i + 1)));
    const forms = Array.from(
      page.matchAll(/action="\/(add|delete)\/(\d+)\.html[^"]*"[^>]*>\s*<button[^>]*>([^<]+)</g),
      ([, action, code, label]) => [action, code, label],
    );
    const followed = new Set(["300268", "300280", "601678", "601918", "000007"]);
    expect(forms).toEqual(
      codes.map((code) => (followed.has(code) ? ["delete", code, "取消关注"] : ["add", code, "添加"])),
    );
  });

  test("is the page of / too", async () => {
    const strip = (page: string) => page.replaceAll(/back=[^"&]*/g, "");
    expect(strip((await get("/")).text())).toBe(strip((await get("/index.html")).text()));
  });

  test("distinguishes a gain from a loss by more than the colour", async () => {
    const page = (await get("/index.html")).text();
    expect(page).toContain('<td class="number change up">+10.01%</td>');
    expect(page).toContain('<td class="number change down">−10.00%</td>');
  });

  test("shows how far the price is from the former high, as text and as a bar", async () => {
    const page = (await get("/index.html?q=000007")).text();
    expect(page).toContain('<span class="up">+9.93%</span> <svg class="bar up"');
    expect(page).toContain('<rect x="50.0" y="2" width="49.7" height="8" />');
  });

  test("is searched, filtered and sorted by its query, without a script", async () => {
    expect(codesOf((await get("/index.html?q=0000&sort=-code")).text())).toEqual([
      "000060",
      "000059",
      "000056",
      "000050",
      "000039",
      "000036",
      "000007",
    ]);
    const followed = (await get("/index.html?show=followed&sort=code")).text();
    expect(codesOf(followed)).toEqual(["000007", "300268", "300280", "601678", "601918"]);
    expect(followed).toContain('<option value="followed" selected>');
    expect(followed).toContain('aria-sort="ascending"');
  });

  test("that matches nothing says so and leads back", async () => {
    const page = (await get("/index.html?q=nothing")).text();
    expect(page).not.toContain("<table");
    expect(page).toContain("没有符合条件的股票。");
  });

  test.each(["sort=x", "show=x", "page=0", "page=x", `q=${"x".repeat(21)}`])(
    "with the wrong filter %s is 422 and says what to do",
    async (query) => {
      const response = await get(`/index.html?${query}`);
      expect([response.status, alertsOf(response.text())]).toEqual([422, [SENTENCES.zh.status422]]);
    },
  );

  test("has pages where it is long", async () => {
    for (let i = 0; i < 10; i += 1) {
      await database.execute(
        "INSERT INTO info (code, short, chg, turnover, price, highs, time) VALUES (?, '多', '0.00%', '1%', '1', '1', '2017-07-20')",
        [String(700000 + i)],
      );
    }
    const first = (await get("/index.html")).text();
    expect(codesOf(first)).toHaveLength(100);
    expect(first).toContain('rel="next"');
    const second = (await get("/index.html?page=2")).text();
    expect(codesOf(second)).toEqual(["700006", "700007", "700008", "700009"]);
    expect(texts(second, /<td class="number row">(.*?)<\/td>/g)[0]).toBe("101");
    expect(second).not.toContain('rel="next"');
  });

  test("has no content on HEAD", async () => {
    const response = await client.request("HEAD", "/index.html", { headers: browser });
    expect([response.status, response.body.byteLength]).toEqual([200, 0]);
  });

  test("escapes markup that is in the database", async () => {
    await database.execute("UPDATE info SET short = ? WHERE code = '000007'", ["<script>alert(1)</script>"]);
    const page = (await get("/index.html")).text();
    expect(page).not.toContain("<script>");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
  });
});

describe("the centre", () => {
  test("lists the followed stocks with their notes, each with edit and delete", async () => {
    const page = (await get("/center.html")).text();
    expect(codesOf(page)).toEqual(["300268", "300280", "601678", "601918", "000007"]);
    expect(texts(page, /<td class="note">(.*?)<\/td>/g)).toEqual(["你确定要买这个？", "利好", "", "", ""]);
    expect(texts(page, /href="\/update\/(\d+)\.html"/g)).toHaveLength(5);
    expect(texts(page, /action="\/delete\/(\d+)\.html"/g)).toHaveLength(5);
  });

  test("shows a note as text, also with markup in it", async () => {
    const note = `"><img src=x onerror=alert(1)> & <%content%> $& '`;
    await post("/update/000007.html", { note });
    const centre = (await get("/center.html")).text();
    expect(centre).toContain("&quot;&gt;&lt;img src=x onerror=alert(1)&gt; &amp; &lt;%content%&gt; $&amp; &#39;");
    expect((await get("/update/000007.html")).text()).not.toContain("<img");
  });

  test("that is empty says where to begin", async () => {
    await database.execute("DELETE FROM focus");
    const page = (await get("/center.html")).text();
    expect(page).not.toContain("<table");
    expect(page).toContain("还没有关注任何股票");
  });
});

describe("a change", () => {
  test("redirects to a page that reports it", async () => {
    const steps = [
      ["/add/000036.html", "/index.html?done=followed&code=000036#stock-000036", "关注成功：000036"],
      ["/update/000036.html", "/center.html?done=noted&code=000036", "修改成功：000036"],
      ["/delete/000036.html", "/center.html?done=unfollowed&code=000036", "取消关注成功：000036"],
      ["/undo.html", "/center.html?done=followed&code=000036#stock-000036", "关注成功：000036"],
    ] as const;
    for (const [path, location, sentence] of steps) {
      const response = await post(path, { note: " 好 " });
      expect([response.status, response.headers.get("location")]).toEqual([303, location]);
      const [target = ""] = location.split("#");
      expect(noticeOf((await get(target)).text())).toEqual([sentence]);
    }
    expect(texts((await get("/center.html")).text(), /<td class="note">(.*?)<\/td>/g).at(-1)).toBe("好");
  });

  test("in a filtered list leads back to that list, and never to another site", async () => {
    const location = async (back: string) =>
      (await post(`/add/000036.html?back=${encodeURIComponent(back)}`)).headers.get("location");
    expect(await location("/index.html?q=00")).toBe("/index.html?q=00&done=followed&code=000036#stock-000036");
    const foreign = ["//evil.example/", "https://evil.example/", "/\\evil.example"];
    // Browsers remove a tab, and dot segments may leave two slashes.
    for (const back of [
      ...foreign,
      "/\t/evil.example",
      "/\t/a//evil.example/",
      "/.//evil.example/",
      "/a/..//evil.example/",
    ]) {
      await post("/delete/000036.html");
      expect(await location(back)).toBe("/index.html?done=followed&code=000036#stock-000036");
    }
  });

  test("is offered for undo only where its stock was removed by this browser", async () => {
    await post("/delete/000007.html");
    expect((await get("/center.html?done=unfollowed&code=000007")).text()).toContain('action="/undo.html');
    expect((await get("/center.html?done=unfollowed&code=000036")).text()).not.toContain("/undo.html");
    client.cookies.set("undo", "nonsense");
    expect((await post("/undo.html")).status).toBe(409);
  });

  test.each([
    ["POST", "/add/000007.html", 409, "已经关注过了：000007"],
    ["POST", "/add/999999.html", 404, "没有这支股票：999999"],
    ["GET", "/update/000036.html", 404, "没有关注这支股票：000036"],
    ["POST", "/update/999999.html", 404, "没有这支股票：999999"],
    ["POST", "/delete/000036.html", 404, "没有关注这支股票：000036"],
    ["POST", "/delete/999999.html", 404, "没有这支股票：999999"],
    ["POST", "/undo.html", 409, "没有可以撤销的操作。"],
    ["GET", "/add/7.html", 404, "没有这个页面，请检查网址是否正确。"],
    ["GET", "/nowhere.html", 404, "没有这个页面，请检查网址是否正确。"],
    ["GET", "/users/99.html", 404, "没有这个用户。"],
  ])("%s %s is %i: %s", async (method, path, status, sentence) => {
    const before = await snapshot();
    const response = method === "GET" ? await get(path) : await post(path, { note: "x" });
    expect(response.status).toBe(status);
    expect(response.headers.get("vary")).toContain("accept");
    expect(alertsOf(response.text())).toEqual([sentence]);
    expect(await snapshot()).toEqual(before);
  });

  test.each(["/add/000036.html", "/delete/000007.html"])("nothing changes on a GET of %s", async (path) => {
    const before = await snapshot();
    for (const method of ["GET", "HEAD"]) {
      const response = await client.request(method, path, { headers: browser });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "OPTIONS, POST"]);
    }
    expect(await snapshot()).toEqual(before);
  });

  test("nothing changes on a GET of any page", async () => {
    const before = await snapshot();
    const pages = [
      "/",
      "/index.html",
      "/center.html",
      "/update/000007.html",
      "/users.html",
      "/students.html",
      "/login.html",
    ];
    for (const path of pages) expect((await get(path)).status).toBe(200);
    expect(await snapshot()).toEqual(before);
  });

  test.each(["?done=bought&code=000007", "?done=followed&code=<b>", "?done=constructor&code=000007", "?code=000007"])(
    "the query %s that no redirect has made reports nothing",
    async (query) => {
      expect((await get(`/center.html${query}`)).text()).toBe((await get("/center.html")).text());
    },
  );

  test("is a problem document for a program", async () => {
    const response = await client.post("/add/000007.html");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.json()).toMatchObject({ status: 409, code: "STOCK_ALREADY_FOLLOWED" });
  });

  test("from a page of another site is refused", async () => {
    const response = await post("/delete/000007.html", {}, { headers: { ...browser, origin: "https://evil.example" } });
    expect(response.status).toBe(403);
  });
});

describe("the page of a note", () => {
  const valueOf = (page: string) => /name="note" value="([^"]*)"/.exec(page)?.[1];

  test("shows the note that is stored", async () => {
    await post("/update/000007.html", { note: " 再看看 " });
    expect(valueOf((await get("/update/000007.html")).text())).toBe("再看看");
  });

  test.each(["好", "🙂"])("takes 200 characters %s, and gives 201 back with what is wrong", async (character) => {
    expect((await post("/update/000007.html", { note: character.repeat(MAX_NOTE_LENGTH) })).status).toBe(303);
    const long = character.repeat(MAX_NOTE_LENGTH + 1);
    const response = await post("/update/000007.html", { note: long });
    expect([response.status, alertsOf(response.text()), valueOf(response.text())]).toEqual([
      422,
      [SENTENCES.zh.noteTooLong],
      long,
    ]);
  });

  test("gives back what was typed where another tab has unfollowed the stock, and can follow it again", async () => {
    const response = await post("/update/000036.html", { note: "写了很久" });
    expect([response.status, alertsOf(response.text()), valueOf(response.text())]).toEqual([
      422,
      [SENTENCES.zh.notFollowedAnyMore],
      "写了很久",
    ]);
    expect(response.text()).toContain('name="follow" value="yes"');
    expect((await post("/update/000036.html", { note: "写了很久", follow: "yes" })).status).toBe(303);
    expect(valueOf((await get("/update/000036.html")).text())).toBe("写了很久");
  });

  test("changes nothing for a form without a note, or for content that is no form", async () => {
    const before = await snapshot();
    expect((await post("/update/300280.html", { other: "x" })).status).toBe(422);
    const json = { headers: { ...browser, "content-type": "application/json" }, body: "{}" };
    expect((await post("/update/300280.html", {}, json)).status).toBe(415);
    expect(await snapshot()).toEqual(before);
  });
});

describe("the language", () => {
  test.each([
    ["en-GB,en;q=0.9", "en"],
    ["fr, en;q=0.8, zh;q=0.5", "en"],
    ["zh-TW, en;q=0.9", "zh"],
    ["fr", "zh"],
    ["en;q=0, zh", "zh"],
    ["", "zh"],
  ] as const)("for Accept-Language %j is %s", async (field, language) => {
    const response = await get("/index.html", field === "" ? {} : { "accept-language": field });
    expect(response.text()).toContain(`<h1>${SENTENCES[language].index}</h1>`);
    expect(response.headers.get("vary")?.toLowerCase()).toContain("accept-language, cookie");
  });

  test("of the switch wins, and the switch leads back", async () => {
    const response = await post("/language.html?to=en&back=%2Fcenter.html");
    expect([response.status, response.headers.get("location")]).toEqual([303, "/center.html"]);
    for (const path of [
      "/center.html",
      "/update/000007.html",
      "/users.html",
      "/users/1.html",
      "/students.html",
      "/login.html",
      "/nowhere",
    ]) {
      const page = (await get(path, { "accept-language": "zh-CN" })).text();
      expect(page).toContain('<html lang="en">');
      // The switch itself, and data.
      const sentences = page.replaceAll(
        /<script[\s\S]*?<\/script>|lang="zh-CN">中文|<t[dh][^>]*>[^<]*|value="[^"]*"|<p>Stock [^<]*|User: [^<]*|Edit note: [^<]*/g,
        "",
      );
      expect(sentences).not.toMatch(/\p{Script=Han}/u);
    }
  });

  test("that is unknown is refused", async () => {
    expect((await post("/language.html?to=xx")).status).toBe(422);
  });

  test("has the placeholders of the other language in each sentence", () => {
    const placeholders = (text: string) => Array.from(text.matchAll(/\{\w+\}/g), ([name]) => name).toSorted();
    for (const [name, sentence] of Object.entries(SENTENCES.zh)) {
      expect([name, placeholders(SENTENCES.en[name as keyof typeof SENTENCES.en])]).toEqual([
        name,
        placeholders(sentence),
      ]);
    }
  });
});

describe("users and students", () => {
  const namesOf = (page: string) => texts(page, /<th scope="row"[^>]*>(.*?)<\/th>/g);

  test("are found by parameters", async () => {
    expect(namesOf((await get("/users.html?city=北京&sex=female")).text())).toEqual(["赵六"]);
    expect(namesOf((await get("/users.html?q=nothing")).text())).toEqual([]);
    expect(namesOf((await get("/students.html?class=二班")).text())).toEqual(["小刚", "小丽"]);
    expect(namesOf((await get("/students.html?name=小明")).text())).toEqual(["小明"]);
  });

  test("a user is changed after a login only, and what was typed comes back before it", async () => {
    const typed = { name: "张三丰", age: "30", sex: "male", city: "" };
    const refused = await post("/users/1.html", typed);
    expect([refused.status, alertsOf(refused.text())]).toEqual([422, ["登录后才能修改。"]]);
    expect(refused.text()).toContain('value="张三丰"');

    const wrong = await post("/login.html", { name: "demo", password: "wrong" });
    expect([wrong.status, alertsOf(wrong.text())]).toEqual([422, ["姓名或密码不正确。"]]);
    const login = await post("/login.html?back=%2Fusers%2F1.html", { name: "demo", password: "tsgi-demo" });
    expect([login.status, login.headers.get("location")]).toEqual([303, "/users/1.html"]);
    expect((await get("/users/1.html")).text()).toContain("退出 demo");

    const saved = await post("/users/1.html", typed);
    expect(saved.headers.get("location")).toBe("/users/1.html?done=saved");
    expect(await database.query("SELECT * FROM user WHERE id = 1")).toEqual([
      { id: 1, name: "张三丰", age: 30, sex: "male", city: null },
    ]);
    for (const [form, sentence] of [
      [{ ...typed, name: "李四" }, "这个姓名已经有了。"],
      [{ ...typed, age: "-1" }, "“年龄”不正确。"],
      [{ ...typed, name: " " }, "“姓名”不正确。"],
    ] as const) {
      const response = await post("/users/1.html", form);
      expect([response.status, alertsOf(response.text())]).toEqual([422, [sentence]]);
    }

    await post("/logout.html");
    expect((await get("/users/1.html")).text()).toContain("登录后才能修改。");
  });

  test("after ten wrong passwords the right one has to wait, on the page and by Basic", async () => {
    // The limit goes by this clock, and accepts another password in 90 seconds, which ten hashes may take on a busy machine.
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const login = (password: string) => post("/login.html", { name: "demo", password });
    for (let i = 0; i < 10; i++) expect((await login("wrong")).status).toBe(422);
    const refused = await login("tsgi-demo");
    expect([refused.status, alertsOf(refused.text())]).toEqual([429, ["尝试的次数太多，请过几分钟再试。"]]);
    expect(refused.headers.get("retry-after")).toBe("90");
    const page = await get("/users/1.html", { authorization: `Basic ${btoa("demo:tsgi-demo")}` });
    expect(page.status).toBe(429);
  });
});

test("pages are compressed for a client that accepts it", async () => {
  const response = await get("/index.html", { "accept-encoding": "gzip" });
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(response.body.byteLength).toBeLessThan(20_000);
});

test("the policy of the pages allows no inline script and no other site", async () => {
  const policy = (await get("/index.html")).headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'self'; script-src 'self';");
  expect(policy).not.toMatch(/unsafe|https?:/);
});

test("a request that no route takes gives a line in the log", async () => {
  await get("/nowhere?secret=1");
  await get("/index.html");
  expect(warnings).toEqual(["no route takes GET /nowhere"]);
});

test("the files of the layout are those of the assets", async () => {
  const page = (await get("/")).text();
  const files = texts(page, /<(?:link|script)[^>]* (?:href|src)="([^"]*)"/g);
  expect(files).toEqual(["/static/favicon.svg", "/static/style.css", "/static/app.js"]);
  for (const file of files) expect((await get(file)).text()).toBe("an asset");
});
