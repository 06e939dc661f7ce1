/** The documentation site: what it contains, its links, its API reference, and how it works in a browser. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { promisify } from "node:util";
import { serve } from "@tsgi/server/socket";
import { staticFiles } from "@tsgi/server/static-files";
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWithChromium } from "../scripts/lib/chromium.ts";
import { listPublicNames } from "../scripts/lib/public-names.ts";
import { ROOT, pageOf, readContents, resolveLink, type Item } from "./lib/pages.ts";
import { fuzziness, tokenize } from "./lib/search.ts";

/** A browser on a busy machine may need seconds for a page. */
const BROWSER_TIMEOUT_MS = 120_000;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const DESKTOP: BrowserContextOptions = { locale: "en", colorScheme: "light", viewport: { width: 1280, height: 900 } };
const PHONE: BrowserContextOptions = { locale: "en", colorScheme: "dark", viewport: { width: 380, height: 780 } };

describe("the table of contents", () => {
  test.each([
    ["docs/README.md", /^docs\/(?!decisions\/\d|README)(?!.*\.zh\.md$).*\.md$/],
    ["docs/README.zh.md", /^docs\/(?!README).*\.zh\.md$/],
    ["docs/decisions/README.md", /^docs\/decisions\/\d.*\.md$/],
  ])("%s has a link of its own to every page of its part", async (file, part) => {
    const files = await readdir(join(ROOT, "docs"), { recursive: true });
    const pages = files.map((name) => `docs/${name.replaceAll("\\", "/")}`).filter((name) => part.test(name));
    const listed = new Set(readContents(file).flatMap(({ items }) => items.flatMap(targets)));
    expect(pages.length).toBeGreaterThan(0);
    expect(pages.filter((page) => !listed.has(page))).toEqual([]);
  });

  function targets({ target, items }: Item): readonly string[] {
    return [target, ...items.flatMap(targets)];
  }
});

test.each([
  ["docs/views.md", "views.md"],
  ["docs/tutorial/README.md", "tutorial/index.md"],
  ["docs/lessons.zh.md", "zh/lessons.md"],
  ["packages/framework/README.md", "packages/framework.md"],
  ["packages/gateway-spec/SPEC.md", "spec.md"],
  ["examples/lessons/01-fixed-page.ts", "examples/lessons/01-fixed-page.ts.md"],
  ["examples/lessons/lessons.test.ts", null],
  ["packages/server/src/cli.ts", null],
])("the page of %s is %s", (file, page) => {
  expect(pageOf(file)).toBe(page);
});

test.each([
  ["docs/api.md", "views.md#data-for-scripts", { kind: "page", page: "views.md", hash: "#data-for-scripts" }],
  ["docs/api.md", "../packages/framework", { kind: "page", page: "packages/framework.md", hash: "" }],
  [
    "docs/api.md",
    "../packages/server/src/cli.ts",
    { kind: "file", path: "packages/server/src/cli.ts", isFolder: false },
  ],
  ["docs/api.md", "../deploy", { kind: "file", path: "deploy", isFolder: true }],
  ["docs/api.md", "nowhere.md", { kind: "missing" }],
  ["README.md", "../outside.md", { kind: "missing" }],
])("in %s the link %s leads to %o", (file, link, target) => {
  expect(resolveLink(file, link)).toEqual(target);
});

test.each([
  ["The socket server, on Node", ["The", "socket", "server", "on", "Node"]],
  ["数据库", ["数据", "据库", "库"]],
  ["用nginx做代理。", ["用", "nginx", "做代", "代理", "理"]],
  ["--max-body-bytes=1", ["max", "body", "bytes", "1"]],
])("the search splits %j into %j", (text, words) => {
  expect(tokenize(text)).toEqual(words);
});

test("the search permits errors of typing in Latin letters only", () => {
  expect([fuzziness("sesion"), fuzziness("数据")]).toEqual([0.2, false]);
});

describe("the built site", () => {
  let folder: string;
  const pages = new Map<string, string>();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tsgi-site-"));
    const build = join(import.meta.dirname, "build.ts");
    await promisify(execFile)(process.execPath, [build, "--out", folder], { cwd: import.meta.dirname });
    for (const file of await readdir(folder, { recursive: true })) {
      if (file.endsWith(".html")) pages.set(file.replaceAll("\\", "/"), await readFile(join(folder, file), "utf8"));
    }
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("every link within the site leads to a page, and its anchor to an element", async () => {
    const files = new Set((await readdir(folder, { recursive: true })).map((file) => file.replaceAll("\\", "/")));
    const anchors = new Map([...pages].map(([page, html]) => [page, new Set(attributes(html, "id"))]));
    const broken = [...pages].flatMap(([page, html]) =>
      attributes(html, "href")
        .filter((href) => !/^[a-z]+:/.test(href))
        .filter((href) => {
          const [path = "", anchor] = href.split("#");
          const target =
            path === "" ? page : posix.join(path.startsWith("/") ? "" : posix.dirname(page), path).replace(/^\//, "");
          const file = target === "" || target.endsWith("/") ? `${target}index.html` : target;
          return !files.has(file) || (anchor !== undefined && anchors.get(file)?.has(anchor) !== true);
        })
        .map((href) => `${page}: ${href}`),
    );
    expect(broken).toEqual([]);
  });

  test("no element of a page is loaded from another site", () => {
    const foreign = [...pages].flatMap(([page, html]) =>
      [...html.matchAll(/<(?:script|link|img|iframe)\b[^>]*(?:src|href)="https?:[^"]*"/g)].map(
        ([tag]) => `${page}: ${tag}`,
      ),
    );
    expect(foreign).toEqual([]);
  });

  test("the API reference has a heading for every public name of every entry", async () => {
    const missing = (await listPublicNames())
      .filter(({ entry }) => !entry.startsWith("@tsgi/stock-app"))
      .flatMap(({ entry, values, types }) => {
        const html = pages.get(`reference/${entry.replace("@tsgi/", "")}.html`) ?? "";
        const headings = new Set(
          [...html.matchAll(/<h3 id="[^"]*"[^>]*>(?:<code[^>]*>abstract<\/code> )?([$\w]+)/g)].map(([, name]) => name),
        );
        return [...values, ...types].filter((name) => !headings.has(name)).map((name) => `${entry} ${name}`);
      });
    expect(missing).toEqual([]);
  });

  test("the first page shows the two commands of the README", async () => {
    const readme = await readFile(join(ROOT, "README.md"), "utf8");
    for (const file of ["site/pages/index.md", "site/pages/zh/index.md"]) {
      const page = await readFile(join(ROOT, file), "utf8");
      for (const [, command] of page.matchAll(/^```sh\n([^]*?)\n```$/gm)) expect(readme).toContain(command);
    }
  });

  describeWithChromium("in Chromium", (visit) => {
    let server: Awaited<ReturnType<typeof serve>>;
    beforeAll(async () => {
      server = await serve(staticFiles(folder), { port: 0 });
    });
    afterAll(async () => {
      await server.close();
    });

    test.each([
      "/",
      "/tutorial/02-requests.html",
      "/packages/server.html",
      "/reference/framework.html",
      "/decisions/",
      "/zh/lessons.html",
    ])(
      "%s is accessible and fits into a light window of a desktop and a dark one of a phone",
      { timeout: BROWSER_TIMEOUT_MS },
      async (path) => {
        for (const options of [DESKTOP, PHONE]) {
          await using window = await visit(server.url, options);
          await window.page.goto(path);
          expect(await seriousFindings(window.page), options.colorScheme ?? "").toEqual([]);
          expect(await window.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")).toBe(0);
          expect(window.complaints).toEqual([]);
        }
      },
    );

    test.each([
      ["/", "slow statement", "The database"],
      ["/", "openMysql", "openMysql"],
      ["/zh/", "协程", "课程"],
      ["/zh/", "一万个连接", "课程"],
    ])("from %s, the search for %j finds %j", { timeout: BROWSER_TIMEOUT_MS }, async (path, words, title) => {
      await using window = await visit(server.url, DESKTOP);
      const { page } = window;
      await page.goto(path);
      // Vue has mounted the page, so it handles keys.
      await page.waitForFunction("document.getElementById('app').__vue_app__ !== undefined");
      await page.keyboard.press("Control+k");
      await page.getByRole("searchbox").fill(words);
      await page.getByRole("option").first().waitFor();
      expect(await page.getByRole("option").first().innerText()).toContain(title);
      expect(await seriousFindings(page)).toEqual([]);
      await page.keyboard.press("Enter");
      await page.getByRole("searchbox").waitFor({ state: "hidden" });
      expect(window.complaints).toEqual([]);
    });

    test("a page is readable without JavaScript", { timeout: BROWSER_TIMEOUT_MS }, async () => {
      await using window = await visit(server.url, { ...DESKTOP, javaScriptEnabled: false });
      await window.page.goto("/database.html");
      expect(await window.page.getByRole("heading", { level: 1 }).innerText()).toContain("The database");
      await window.page.getByRole("link", { name: "Uploads", exact: true }).click();
      expect(await window.page.getByRole("heading", { level: 1 }).innerText()).toContain("Uploads");
    });
  });
});

function attributes(html: string, name: string): readonly string[] {
  return [...html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, "g"))].map(([, value = ""]) =>
    decodeURI(value.replaceAll("&amp;", "&")),
  );
}

async function seriousFindings(page: Page): Promise<unknown> {
  await page.addScriptTag({ path: AXE });
  return page.evaluate(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map(({ html, failureSummary }) => html + " " + failureSummary)]))`);
}
