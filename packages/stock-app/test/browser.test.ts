import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { TestDatabase } from "../../framework/test/mysql-server.ts";
import { describeWithChromium, visit } from "../../../scripts/lib/chromium.ts";
import { type Running, startApp } from "./command.ts";
import { createSqliteFile } from "./databases.ts";

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

describeWithChromium("in Chromium", (launch) => {
  let browser: Browser;
  let place: TestDatabase;
  let app: Running;
  beforeAll(async () => {
    browser = await launch();
  });
  beforeEach(async () => {
    place = await createSqliteFile();
    app = await startApp(place.url);
  });
  afterEach(async () => {
    await app[Symbol.asyncDispose]();
    await place.drop();
  });
  afterAll(() => browser.close());

  test("the stock list is a table of 94 rows with a button each, without errors in the console", async () => {
    await using window = await visit(browser, app.url);
    const { page } = window;
    await page.goto("/");
    const table = page.getByRole("table", { name: "股票列表" });
    expect(await table.getByRole("rowheader").count()).toBe(94);
    expect(await table.getByRole("button", { name: "添加", exact: true }).count()).toBe(94);
    expect(await page.getByRole("link", { name: "股票列表" }).getAttribute("aria-current")).toBe("page");
    await keepPicture(page, "index");
    expect(window.complaints).toEqual([]);
  });

  test("the header of the table stays visible while scrolling", async () => {
    await using window = await visit(browser, app.url);
    const { page } = window;
    await page.goto("/index.html#stock-603993");
    const header = page.getByRole("columnheader", { name: "股票简称" });
    expect((await header.boundingBox())?.y).toBe(0);
  });

  test("a stock is followed, noted and unfollowed, without JavaScript and without a mouse", async () => {
    await using window = await visit(browser, app.url, { javaScriptEnabled: false });
    const { page } = window;
    await page.goto("/");
    await page.keyboard.press("Tab");
    const seen = { outlined: true, inSight: true };
    expect(await evaluate<Focus>(page, "focus")).toEqual({ text: "跳到正文", row: null, ...seen });
    await page.keyboard.press("Enter");
    // The first row is followed; the second one is not.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    expect(await evaluate<Focus>(page, "focus")).toEqual({ text: "添加", row: "stock-000036", ...seen });
    await page.keyboard.press("Enter");
    expect(await page.getByRole("status").textContent()).toBe("股票 000036 关注成功。");
    await keepPicture(page, "followed");

    await page.getByRole("link", { name: "自选中心" }).press("Enter");
    const row = page.getByRole("row").filter({ hasText: "000036" });
    await row.getByRole("link", { name: "修改" }).press("Enter");
    await keepPicture(page, "update");
    await page.getByLabel("备注").fill("<b>看好</b>");
    await page.getByLabel("备注").press("Enter");
    expect(await page.getByRole("status").textContent()).toBe("股票 000036 的备注已保存。");
    expect(await row.textContent()).toContain("<b>看好</b>");
    await keepPicture(page, "center");

    await row.getByRole("button", { name: "删除" }).press("Enter");
    expect(await page.getByRole("status").textContent()).toBe("股票 000036 已取消关注。");
    expect(await row.count()).toBe(0);
    expect(window.complaints).toEqual([]);
  });

  test("a refused change is reported on a page of the app", async () => {
    await using window = await visit(browser, app.url);
    const { page } = window;
    await page.goto("/");
    await page.locator("#stock-000007").getByRole("button").click();
    expect(await page.getByRole("alert").textContent()).toBe("股票 000007 已经关注过，不用重复添加。");
    await keepPicture(page, "error");
  });

  test("an empty centre leads to the list", async () => {
    await using window = await visit(browser, app.url);
    const { page } = window;
    await page.goto("/center.html");
    for (let left = 5; left > 0; left -= 1) {
      expect(await page.getByRole("button", { name: "删除" }).count()).toBe(left);
      await page.getByRole("button", { name: "删除" }).first().click();
    }
    await keepPicture(page, "empty");
    await page.getByRole("link", { name: "去股票列表" }).click();
    expect(new URL(page.url()).pathname).toBe("/index.html");
    expect(window.complaints).toEqual([]);
  });

  test.each(["/", "/center.html", "/update/000007.html"])(
    "%s fits on a phone, with targets of sufficient size",
    async (path) => {
      await using window = await visit(browser, app.url, PHONE);
      const { page } = window;
      await page.goto(path);
      await keepPicture(page, `phone${path.replaceAll("/", "-")}`);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.viewport.width);
      for (const button of await page.locator("main button, main .button").all()) {
        expect((await button.boundingBox())?.height).toBeGreaterThanOrEqual(44);
      }
      // The names of the columns are hidden visually and remain in the accessibility tree.
      if (path === "/") expect(await page.getByRole("columnheader").count()).toBe(8);
      expect(window.complaints).toEqual([]);
    },
  );

  test.each(["light", "dark"] as const)("text has sufficient contrast in the %s scheme", async (colorScheme) => {
    await using window = await visit(browser, app.url, { colorScheme });
    const { page } = window;
    await page.goto("/center.html?done=noted&code=000007");
    await keepPicture(page, `center-${colorScheme}`);
    const ratios = await evaluate<readonly [string, number][]>(page, "contrasts");
    expect(ratios.length).toBeGreaterThan(40);
    expect(ratios.filter(([, ratio]) => ratio < 4.5)).toEqual([]);
  });
});

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
}

/** The result of a script of `in-page/`, which is JavaScript of a browser and has no types here. */
async function evaluate<T>(page: Page, script: string): Promise<T> {
  return page.evaluate<T>(await readFile(new URL(`./in-page/${script}.js`, import.meta.url), "utf8"));
}
