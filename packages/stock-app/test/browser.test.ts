import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { TestDatabase } from "../../framework/test/mysql-server.ts";
import { describeWithChromium } from "../../../scripts/lib/chromium.ts";
import { type Running, startApp } from "./command.ts";
import { createSqliteFile } from "./databases.ts";

const PAGES = [
  "/",
  "/center.html",
  "/update/000007.html",
  "/users.html",
  "/users/1.html",
  "/students.html",
  "/login.html",
];
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

describeWithChromium("in Chromium", (visit) => {
  let place: TestDatabase;
  let app: Running;
  beforeEach(async () => {
    place = await createSqliteFile();
    app = await startApp(place.url);
  });
  afterEach(async () => {
    await app[Symbol.asyncDispose]();
    await place.drop();
  });

  test("the stock list is a table of 94 rows with a button each", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto("/");
    const table = page.getByRole("table", { name: "共 94 只" });
    expect(await table.getByRole("rowheader").count()).toBe(94);
    expect(await table.getByRole("button", { name: "添加", exact: true }).count()).toBe(89);
    expect(await table.getByRole("button", { name: "取消关注", exact: true }).count()).toBe(5);
    expect(await page.getByRole("link", { name: "股票列表" }).getAttribute("aria-current")).toBe("page");
    await keepPicture(page, "index");
    expect(window.complaints).toEqual([]);
  });

  test("the header of the table stays visible while scrolling", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto("/index.html#stock-603993");
    const header = page.getByRole("columnheader", { name: "股票简称" });
    expect((await header.boundingBox())?.y).toBe(0);
  });

  test("a stock is followed, noted, unfollowed and followed again, without JavaScript and without a mouse", async () => {
    await using window = await visit(app.url, { javaScriptEnabled: false });
    const { page } = window;
    await page.goto("/?q=000036");
    await page.keyboard.press("Tab");
    const seen = { outlined: true, inSight: true, isHit: true };
    expect(await evaluate<Focus>(page, "focus")).toMatchObject({ text: "跳到正文", row: null, ...seen });
    await page.keyboard.press("Enter");
    await page.getByLabel("排序").focus();
    // The button of the search, the nine headers, then the row.
    for (let i = 0; i < 10; i += 1) await page.keyboard.press("Tab");
    expect(await evaluate<Focus>(page, "focus")).toMatchObject({ text: "添加", row: "stock-000036", ...seen });
    await page.keyboard.press("Enter");
    await page.getByRole("status").getByText("关注成功：000036").waitFor();

    await page.getByRole("link", { name: "自选中心" }).press("Enter");
    const row = page.getByRole("row").filter({ hasText: "000036" });
    await row.getByRole("link", { name: "修改" }).press("Enter");
    await page.getByLabel("备注").fill("<b>看好</b>");
    await page.getByLabel("备注").press("Enter");
    await page.getByRole("status").getByText("修改成功：000036").waitFor();
    expect(await row.textContent()).toContain("<b>看好</b>");

    await row.getByRole("button", { name: "删除" }).press("Enter");
    await page.getByRole("status").getByText("取消关注成功：000036").waitFor();
    expect(await row.count()).toBe(0);
    await keepPicture(page, "undo");
    await page.getByRole("button", { name: "撤销" }).press("Enter");
    await row.getByText("<b>看好</b>").waitFor();
    expect(window.complaints).toEqual([]);
  });

  test("with JavaScript the same happens without a page load, and the focus stays where it was", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto("/index.html?show=unfollowed");
    await markPage(page);
    const status = page.getByRole("status");
    await page.locator("#watch-000036").focus();
    await page.keyboard.press("Enter");
    await status.getByText("关注成功：000036").waitFor();
    await page.locator("#stock-000036").waitFor({ state: "detached" });
    // The row has gone, so the focus is on the next one.
    await page.locator("#watch-000039:focus").waitFor();
    expect(await isSamePage(page)).toBe(true);

    await page.goto("/center.html");
    await markPage(page);
    const row = page.locator("#stock-000036");
    await row.getByRole("link", { name: "修改" }).press("Enter");
    const dialog = page.getByRole("dialog", { name: "修改备注" });
    await dialog.getByLabel("备注").fill("🙂".repeat(201));
    await dialog.getByLabel("备注").press("Enter");
    await dialog.getByRole("alert").getByText("备注最多 200 个字").waitFor();
    await keepPicture(page, "dialog-mistake");
    expect(await dialog.getByLabel("备注").inputValue()).toBe("🙂".repeat(201));
    // What was typed is still there after the dialog was closed, and after a reload.
    await page.keyboard.press("Escape");
    await page.locator("#edit-000036:focus").waitFor();
    await page.reload();
    await markPage(page);
    await row.getByRole("link", { name: "修改" }).click();
    expect(await dialog.getByLabel("备注").inputValue()).toBe("🙂".repeat(201));
    await keepPicture(page, "dialog-draft");
    await dialog.getByRole("button", { name: "恢复已保存的备注" }).click();
    expect(await dialog.getByLabel("备注").inputValue()).toBe("");
    await dialog.getByLabel("备注").fill("🙂".repeat(200));
    await dialog.getByRole("button", { name: "保存", exact: true }).click();
    await status.getByText("修改成功：000036").waitFor();
    await row.getByText("🙂".repeat(200)).waitFor();

    await row.getByRole("button", { name: "删除" }).click();
    await row.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "撤销" }).click();
    await row.getByText("🙂".repeat(200)).waitFor();
    expect(await isSamePage(page)).toBe(true);
    expect(window.complaints).toEqual([]);
  });

  test("a note is not lost where another tab has unfollowed the stock, or on the way back", async () => {
    await using first = await visit(app.url);
    await first.page.goto("/center.html");
    await first.page.locator("#edit-000007").click();
    const dialog = first.page.getByRole("dialog");
    await dialog.getByLabel("备注").fill("写了很久");
    await fetch(new URL("/api/followed/000007", app.url), { method: "DELETE" });
    await dialog.getByRole("button", { name: "保存", exact: true }).click();
    await dialog.getByRole("alert").getByText("在别处取消关注").waitFor();
    await keepPicture(first.page, "dialog-unfollowed");
    await dialog.getByRole("button", { name: "重新关注并保存" }).click();
    await first.page.locator("#stock-000007").getByText("写了很久").waitFor();

    await first.page.goto("/update/000007.html");
    await first.page.getByLabel("备注").fill("还没写完");
    await first.page.getByRole("link", { name: "股票列表" }).click();
    await first.page.goBack();
    expect(await first.page.getByLabel("备注").inputValue()).toBe("还没写完");
    await first.page.getByRole("button", { name: "保存", exact: true }).click();
    await first.page.getByRole("status").getByText("修改成功").waitFor();
    await first.page.goto("/update/000007.html");
    expect(await first.page.getByLabel("备注").inputValue()).toBe("还没写完");
  });

  test("the list is searched as one types, sorted by its headers, and the way back works", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto("/index.html");
    await markPage(page);
    await page.getByLabel("搜索").pressSequentially("0000");
    await page.getByRole("table", { name: "共 7 只" }).waitFor();
    await page.getByRole("link", { name: "最新价" }).click();
    await page.getByRole("columnheader", { name: "最新价" }).and(page.locator("[aria-sort=ascending]")).waitFor();
    expect(await page.getByRole("rowheader").first().textContent()).toBe("华联控股");
    await keepPicture(page, "search");
    await page.getByLabel("搜索").fill("没有");
    await page.locator(".empty").getByText("没有符合条件的股票").waitFor();
    await keepPicture(page, "no-match");
    expect(await isSamePage(page)).toBe(true);
    await page.goBack();
    await page.getByRole("table", { name: "共 7 只" }).waitFor();
    expect(await page.getByLabel("搜索").inputValue()).toBe("0000");
    expect(window.complaints).toEqual([]);
  });

  test("two tabs stay in step, also where they are at different processes", async () => {
    await using other = await startApp(place.url);
    await using first = await visit(app.url);
    await using second = await visit(other.url);
    await first.page.goto("/center.html");
    await second.page.goto("/index.html");
    await second.page.locator("#watch-000036").click();
    await first.page.locator("#stock-000036").waitFor();
    await first.page.locator("#stock-000036").getByRole("button", { name: "删除" }).click();
    await second.page.locator("#stock-000036").getByRole("button", { name: "添加" }).waitFor();
    expect([...first.complaints, ...second.complaints]).toEqual([]);
  });

  test("a message that changes nothing in the table leaves its elements where they are", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto("/center.html");
    await page.evaluate(
      `window.exchanges = 0;
       new MutationObserver(() => (window.exchanges += 1)).observe(document.getElementById("content"), { childList: true });`,
    );
    const setNote = (note: string) =>
      fetch(new URL("/api/followed/000007", app.url), {
        method: "PATCH",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ note }),
      });
    const read = page.waitForResponse((response) => response.url().endsWith("/center.html"));
    // It has this note already, and each change counts the version up.
    await setNote("");
    await (await read).finished();
    await setNote("新的备注");
    await page.locator("#stock-000007").getByText("新的备注").waitFor();
    expect(await page.evaluate("window.exchanges")).toBe(1);
  });

  test("a tab that is hidden has no connection, and is up to date when it is visible again", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto("/center.html");
    const setHidden = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
         document.dispatchEvent(new Event("visibilitychange"));`,
      );
    await setHidden(true);
    await fetch(new URL("/api/followed/000007", app.url), { method: "DELETE" });
    expect(await page.locator("#stock-000007").count()).toBe(1);
    await setHidden(false);
    await page.locator("#stock-000007").waitFor({ state: "detached" });
  });

  test("letters that an input method composes are not searched for, and the number found is announced", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto("/index.html");
    const searched: string[] = [];
    page.on("request", (request) => {
      const { pathname, search } = new URL(request.url());
      if (pathname === "/index.html") searched.push(decodeURIComponent(search));
    });
    const type = (value: string, event: string) =>
      page.evaluate(`q.value = ${JSON.stringify(value)}; q.dispatchEvent(${event});`);
    await type("mu", 'new InputEvent("input", { bubbles: true, isComposing: true })');
    await type("钼", 'new CompositionEvent("compositionend", { bubbles: true })');
    await page.locator("#found").getByText("共 1 只").waitFor({ state: "attached" });
    expect(searched).toEqual(["?q=钼"]);
  });

  test("the documentation of the interface opens under the policy of the pages, without a request to another site", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    const hosts = new Set<string>();
    page.on("request", (request) =>
      hosts.add(new URL(request.url()).protocol === "data:" ? "data" : new URL(request.url()).host),
    );
    await page.goto("/docs");
    await page.getByText("/api/followed/{code}").first().waitFor();
    await keepPicture(page, "docs");
    for (const path of PAGES) await page.goto(path);
    hosts.delete("data");
    expect([...hosts]).toEqual([new URL(app.url).host]);
    expect(window.complaints).toEqual([]);
  });

  test("a refused change is reported on a page of the app", async () => {
    await using window = await visit(app.url, { javaScriptEnabled: false });
    const { page } = window;
    await page.goto("/");
    await fetch(new URL("/api/followed", app.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code: "000036" }),
    });
    await page.locator("#stock-000036").getByRole("button").click();
    expect(await page.getByRole("alert").textContent()).toBe("已经关注过了：000036");
    await keepPicture(page, "error");
  });

  test("an empty centre leads to the list", async () => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto("/center.html");
    for (let left = 5; left > 0; left -= 1) {
      await page.getByRole("table", { name: `已关注 ${left} 只` }).waitFor();
      await page.getByRole("button", { name: "删除" }).first().click();
    }
    await page.getByRole("link", { name: "去股票列表" }).waitFor();
    await keepPicture(page, "empty");
    await page.getByRole("link", { name: "去股票列表" }).click();
    expect(new URL(page.url()).pathname).toBe("/index.html");
    expect(window.complaints).toEqual([]);
  });

  test("a visitor logs in over plain HTTP on this machine, and changes a user", async () => {
    await using window = await visit(app.url, { locale: "en-US" });
    const { page } = window;
    await page.goto("/users/1.html");
    await page.getByRole("link", { name: "Log in to make changes." }).click();
    await page.getByLabel("Name").fill("demo");
    await page.getByLabel("Password").fill("tsgi-demo");
    await keepPicture(page, "login-en");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByLabel("City").fill("Beijing");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("status").getByText("Saved").waitFor();
    await keepPicture(page, "user-en");
    await page.getByRole("button", { name: "中文" }).click();
    await page.getByRole("heading", { name: "用户：张三" }).waitFor();
    expect(window.complaints).toEqual([]);
  });

  test.each(PAGES)("%s fits on a phone, with targets of sufficient size", async (path) => {
    await using window = await visit(app.url, PHONE);
    const { page } = window;
    await page.goto(path);
    await keepPicture(page, `phone${path.replaceAll(/\W+/g, "-")}`);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.viewport.width);
    for (const button of await page.locator("main button, main .button").all()) {
      expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    }
    // The names of the columns are hidden visually and remain in the accessibility tree.
    if (path === "/") expect(await page.getByRole("columnheader").count()).toBe(10);
    expect(window.complaints).toEqual([]);
  });

  test.each([360, 700, 1000, 1201, 1280, 1920])(
    "no page is wider than a window of %i pixels, in English",
    async (width) => {
      await using window = await visit(app.url, { locale: "en-US", viewport: { width, height: 800 } });
      const { page } = window;
      for (const path of PAGES) {
        await page.goto(path);
        if (path === "/") await keepPicture(page, `width-${width}`);
        expect([path, await page.evaluate("document.documentElement.scrollWidth")]).toEqual([path, width]);
      }
    },
  );

  test.each(["light", "dark"] as const)("text has sufficient contrast in the %s scheme", async (colorScheme) => {
    await using window = await visit(app.url, { colorScheme });
    const { page } = window;
    await page.goto("/center.html?done=noted&code=000007");
    await keepPicture(page, `center-${colorScheme}`);
    const ratios = await evaluate<readonly [string, number][]>(page, "contrasts");
    expect(ratios.length).toBeGreaterThan(40);
    expect(ratios.filter(([, ratio]) => ratio < 4.5)).toEqual([]);
  });

  test.each([...PAGES, "/nowhere.html", "/index.html?q=nothing", "/center.html?done=noted&code=000007"])(
    "the accessibility checker finds nothing wrong with %s",
    async (path) => {
      for (const [locale, colorScheme] of [
        ["zh-CN", "light"],
        ["en-US", "dark"],
      ] as const) {
        await using window = await visit(app.url, { locale, colorScheme });
        const { page } = window;
        await page.goto(path);
        await keepPicture(page, `${locale}-${colorScheme}${path.replaceAll(/\W+/g, "-")}`);
        await page.evaluate(await readFile(AXE, "utf8"));
        const found = await page.evaluate<readonly unknown[]>(
          "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))",
        );
        expect(found).toEqual([]);
      }
    },
  );

  test.each([
    ["/center.html", 5],
    ["/index.html", 94],
  ])("paper gets the table of %s alone", async (path, rows) => {
    await using window = await visit(app.url);
    const { page } = window;
    await page.goto(path);
    await page.emulateMedia({ media: "print" });
    await keepPicture(page, `print${path.replaceAll(/\W+/g, "-")}`);
    for (const role of ["button", "navigation", "search", "combobox"] as const) {
      expect([role, await page.getByRole(role).count()]).toEqual([role, 0]);
    }
    expect(await page.getByRole("rowheader").count()).toBe(rows);
  });

  test("on a phone, all that the keyboard reaches can be seen", async () => {
    await using window = await visit(app.url, PHONE);
    const { page } = window;
    await page.goto("/index.html?q=000036");
    const reached: (readonly [string, boolean])[] = [];
    for (;;) {
      await page.keyboard.press("Tab");
      const { text, isHit } = await evaluate<Focus>(page, "focus");
      if (text === "添加" || reached.length > 40) break;
      reached.push([text.trim().slice(0, 4), isHit]);
    }
    expect(reached.filter(([, isHit]) => !isHit)).toEqual([]);
    expect(reached).toContainEqual(["换手率", true]);
  });
});

/** A mark that a page load would remove. */
async function markPage(page: Page): Promise<void> {
  await page.evaluate("window.isMarked = true");
}

async function isSamePage(page: Page): Promise<boolean> {
  return page.evaluate<boolean>("window.isMarked === true");
}

/** Saves a screenshot of the page in the folder TSGI_TEST_SCREENSHOTS, if it is set. */
async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env["TSGI_TEST_SCREENSHOTS"];
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

interface Focus {
  readonly text: string;
  readonly row: string | null;
  readonly outlined: boolean;
  readonly inSight: boolean;
  /** Whether the middle of the element is nothing else and is not clipped away. */
  readonly isHit: boolean;
}

/** The result of a script of `in-page/`, which is JavaScript of a browser and has no types here. */
async function evaluate<T>(page: Page, script: string): Promise<T> {
  return page.evaluate<T>(await readFile(new URL(`./in-page/${script}.js`, import.meta.url), "utf8"));
}
