/** What a developer sees in the browser under `--watch`. */
import { expect, test } from "vitest";
import { describeWithChromium } from "../../../scripts/lib/chromium.ts";
import { WatchedCommand } from "./watched-command.ts";
import { colorBecomes, openListening, styleSheetsBecome, titleBecomes } from "./watched-page.ts";

/** Pages with a strict policy, whose view and style sheet are read for each request. */
const APP = `import { readFileSync } from "node:fs";
import { title } from "./title.ts";
const files: Record<string, string> = { "/": "view.html", "/style.css": "style.css" };
export const application = (request: { url: string }): object => {
  const name = files[new URL(request.url).pathname];
  if (name === undefined) return { status: 404 };
  const type = name.endsWith("css") ? "text/css" : "text/html; charset=utf-8";
  const body = readFileSync(name, "utf8").replace("TITLE", title);
  return { status: 200, headers: { "content-type": type, "content-security-policy": "default-src 'self'; img-src data:" }, body };
};
`;
const titled = (title: string) => `export const title: string = ${title};\n`;
const view = (text: string) => `<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<title>TITLE</title><p>${text}</p>`;
const FILES = {
  "app.ts": APP,
  "title.ts": titled('"one"'),
  "view.html": view("first"),
  "style.css": "p { color: rgb(1, 1, 1) }",
};

describeWithChromium("in Chromium, under --watch", (visit) => {
  test("a page reloads by itself after a restart, also through an error that is shown with its place", async () => {
    await using command = new WatchedCommand(FILES);
    await using window = await visit((await command.serves()).url);
    const { page } = window;
    await page.goto("/");
    expect(await page.title()).toBe("one");

    command.put({ "title.ts": titled('"two"') });
    await titleBecomes(page, "two");
    expect(window.complaints).toEqual([]);

    command.put({
      "title.ts": `${titled('"two"')}export const b = "<script>alert(1)</script>";;\nexport const c = ;\n`,
    });
    await page.getByRole("heading", { name: "Unexpected" }).waitFor();
    expect(await page.locator("figcaption").textContent()).toBe("title.ts:3:18");
    expect(await page.locator("mark").textContent()).toBe("3export const c = ;\n                 ^\n");
    expect(await page.locator("pre").first().textContent()).toContain('"<script>alert(1)</script>"');

    command.put({ "title.ts": titled('"three"') });
    await titleBecomes(page, "three");
    // The status of the page about the error, and nothing about its policy.
    expect(window.complaints.filter((text) => !/ 500$|status of 500/.test(text))).toEqual([]);
  });

  test("a view reloads the page, a style sheet is exchanged in it, and neither restarts the application", async () => {
    await using command = new WatchedCommand(FILES);
    const { url, pid } = await command.serves();
    await using window = await visit(url);
    const { page } = window;
    await openListening(page, "/");
    await colorBecomes(page, "rgb(1, 1, 1)");
    await page.evaluate("window.isSamePage = true");

    command.put({ "style.css": "p { color: rgb(2, 2, 2) }" });
    await colorBecomes(page, "rgb(2, 2, 2)");
    command.put({ "style.css": "p { color: rgb(3, 3, 3) }" });
    await colorBecomes(page, "rgb(3, 3, 3)");
    await styleSheetsBecome(page, 1);
    expect(await page.evaluate("window.isSamePage")).toBe(true);

    command.put({ "view.html": view("second") });
    await page.getByText("second").waitFor();
    expect(await page.evaluate("window.isSamePage")).toBeUndefined();
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(command.stdout).not.toContain("starting again");
    expect(window.complaints).toEqual([]);
  });

  test("a page that was loaded before a change, and connects after it, reloads", async () => {
    await using command = new WatchedCommand(FILES);
    await using window = await visit((await command.serves()).url);
    const { page } = window;
    const changed = Promise.withResolvers<void>();
    await page.route(
      "**/.tsgi/reload.js",
      async (route) => {
        await changed.promise;
        await route.continue();
      },
      { times: 1 },
    );
    await page.goto("/", { waitUntil: "commit" });
    await page.getByText("first").waitFor();
    command.put({ "view.html": view("second") });
    await command.says(/view\.html changed, pages reload/);
    changed.resolve();
    await page.getByText("second").waitFor();
  });

  test("the button of the page about a failure starts the application again", async () => {
    const app = `import { existsSync } from "node:fs";
      if (!existsSync("ready.txt")) { console.error("There is no ready.txt"); process.exit(1); }
      export const application = () => ({ status: 200, headers: { "content-type": "text/html" }, body: "<p>it runs" });`;
    await using command = new WatchedCommand({ "app.mjs": app }, ["0", "app.mjs"]);
    await using window = await visit(await command.showsError());
    const { page } = window;
    await page.goto("/some/page?q=1");
    await page.getByRole("heading", { name: "There is no ready.txt" }).waitFor();
    // Nothing of this name is watched.
    command.put({ "ready.txt": "" });
    await page.getByRole("button", { name: "Try again now" }).click();
    await page.getByText("it runs").waitFor();
    expect(new URL(page.url()).pathname).toBe("/some/page");
  });

  test.each([
    ["desktop", { viewport: { width: 1280, height: 800 } }],
    ["phone", { viewport: { width: 380, height: 740 }, hasTouch: true, isMobile: true }],
  ] as const)("the page about a failure fits on a %s, in light and in dark", async (name, options) => {
    const broken = `${"// A line of source that is longer than the window of a phone is wide, so that it scrolls.\n".repeat(6)}const list = [1, 2, 3];\nexport const application = (): object => ({ status: 200, body: list.map((n) => n * ) });\n\nfunction after(): void {}\n`;
    await using command = new WatchedCommand({ "app.ts": broken });
    const url = await command.showsError();
    for (const colorScheme of ["light", "dark"] as const) {
      await using window = await visit(url, { ...options, colorScheme });
      const { page } = window;
      await page.goto("/");
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(options.viewport.width);
      expect((await page.getByRole("button").boundingBox())?.height).toBeGreaterThanOrEqual(44);
      const folder = process.env["TSGI_TEST_PICTURES"];
      if (folder !== undefined) await page.screenshot({ path: `${folder}/watch-${name}-${colorScheme}.png` });
    }
  });
});
