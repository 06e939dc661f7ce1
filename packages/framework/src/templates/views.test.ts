import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { App } from "../index.ts";
import { TemplateError } from "./error.ts";
import { Views, type ViewsOptions } from "./views.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "tsgi-views-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Views of the given files, in a folder of their own. */
async function viewsOf(files: Readonly<Record<string, string>>, options: Partial<ViewsOptions> = {}): Promise<Views> {
  const views = await mkdtemp(path.join(folder, "v-"));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(views, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return new Views({ views, urlFor: (name, params = {}) => `/${name}/${Object.values(params).join("/")}`, ...options });
}

function errorOf(action: () => unknown): TemplateError {
  try {
    action();
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

describe("a view", () => {
  test.each([
    ["is text as it stands", "a\n$& <b>\n", {}, "a\n$& <b>\n"],
    ["has the same line ends whoever saved it", "\uFEFFa\r\nb\n", {}, "a\nb\n"],
    ["escapes", "<%= it.a %>", { a: `<a href="'">&` }, "&lt;a href=&quot;&#39;&quot;&gt;&amp;"],
    ["does not escape what is marked", "<%~ it.a %>", { a: "<b>" }, "<b>"],
    ["runs code", "<% for (const n of it.ns) { %><%= n %>,<% } %>", { ns: [1, 2] }, "1,2,"],
    ["leaves a loop", "<% for (const n of it.ns) { %><%= n %><% break %><% } %>", { ns: [1, 2] }, "1"],
    ["keeps the line breaks around tags", "a\n<%= it.a %>\nb", { a: 1 }, "a\n1\nb"],
    ["writes nothing for null", "[<%= it.a %>]", { a: null }, "[]"],
    ["may ask for what is undefined, if it was given", "<% if (it.a) { %>a<% } %>", { a: undefined }, ""],
    ["builds URLs", `<%= urlFor("edit", { code: 7 }) %>`, {}, "/edit/7"],
    ["includes views, with its data and more", `<%~ include("part/row", { b: 2 }) %>`, { a: "<" }, "&lt;2"],
  ])("%s", async (_name, page, data, expected) => {
    const views = await viewsOf({ "page.html": page, "part/row.html": "<%= it.a %><%= it.b %>" });
    expect(views.render("page", data)).toBe(expected);
  });

  test("may have an extension of its own, and a folder given as a URL", async () => {
    const root = pathToFileURL(`${folder}/`);
    await writeFile(new URL("feed.xml", root), "<feed/>");
    expect(new Views({ views: root, urlFor: String }).render("feed.xml", {})).toBe("<feed/>");
  });

  test("is read again when it has changed, unless it is cached", async () => {
    for (const [cacheViews, expected] of [
      [false, "new"],
      [true, "old"],
    ] as const) {
      const views = await mkdtemp(path.join(folder, "v-"));
      const file = path.join(views, "page.html");
      const reader = new Views({ views, cacheViews, urlFor: String });
      await writeFile(file, "old");
      expect(reader.render("page", {})).toBe("old");
      await writeFile(file, "new");
      expect(reader.render("page", {})).toBe(expected);
    }
  });
});

describe("a layout", () => {
  const hostile = "$& $1 $$ $` <%content%> <%= 1 %> \\ ` ${x} '";

  test.each([
    "<%content%>",
    "<% content %>",
    "<%-content-%>",
    "<%- content -%>",
    "<%_ content _%>",
    "<%\n content\n%>",
  ])("has the page in place of %j, once, whatever characters it holds", async (tag) => {
    const views = await viewsOf({ "layout.html": `[${tag}]`, "page.html": "<%~ it.text %>" }, { layout: "layout" });
    expect(views.render("page", { text: hostile })).toBe(`[${hostile}]`);
  });

  test("has the page's data, and may include", async () => {
    const views = await viewsOf({
      "layout.html": `<%= it.title %>|<%~ include("menu") %>|<% content %>`,
      "menu.html": "menu of <%= it.title %>",
      "page.html": "page",
    });
    expect(views.render("page", { title: "T" }, "layout")).toBe("T|menu of T|page");
  });

  test("is the one given, or none", async () => {
    const files = { "one.html": "1<%content%>", "two.html": "2<%content%>", "page.html": "p" };
    const views = await viewsOf(files, { layout: "one" });
    expect([views.render("page", {}), views.render("page", {}, "two"), views.render("page", {}, null)]).toEqual([
      "1p",
      "2p",
      "p",
    ]);
  });

  test.each([
    ["has no place for the page", "no content", 'The layout "layout" has no <%content%>'],
    ["has two places", "<%content%>\n <%content%>", ":2:2: <%content%> stands here a second time"],
    [
      "leaves the place to another view",
      `<%~ include("other") %>`,
      "other.html:1:1: <%content%> stands in a view that",
    ],
  ])("that %s is an error", async (_name, layout, message) => {
    const views = await viewsOf({ "layout.html": layout, "other.html": "<%content%>", "page.html": "" });
    const error = errorOf(() => views.render("page", {}, "layout"));
    expect(error.code).toBe("TEMPLATE_CONTENT");
    expect(error.message).toContain(message);
  });
});

describe("a mistake in a view has a code and a place:", () => {
  test.each([
    ["an unknown tag", "<b>\n  <%name%>", "TEMPLATE_UNKNOWN_TAG", 2, 3],
    ["a value without its sign", "<b> <% it.name %>", "TEMPLATE_UNKNOWN_TAG", 1, 5],
    ["a name that is not among the data", "<%= it.a %><%= it.b %>", "TEMPLATE_UNKNOWN_VARIABLE", 1, 12],
    ["such a name in a condition", "\n<% if (it.b) { %><% } %>", "TEMPLATE_UNKNOWN_VARIABLE", 2, 1],
    ["a name that every object has", "<%= it.constructor %>", "TEMPLATE_UNKNOWN_VARIABLE", 1, 1],
    ["a name without it", "<p>\n\t<%= a %>", "TEMPLATE_UNKNOWN_VARIABLE", 2, 2],
    ["a value that is undefined", "<%= it.a %>\n<%~ it.a.b %>", "TEMPLATE_UNKNOWN_VARIABLE", 2, 1],
    ["what a call throws", "<%= it.a %>\r\n <%= null.x %>", "TEMPLATE_FAILED", 2, 2],
    ["a tag that is not closed", "<b>\n<%= it.a", "TEMPLATE_SYNTAX", 2, 1],
    ["a string that is not closed", '<b>\n<%= "a %>', "TEMPLATE_SYNTAX", 2, 5],
    ["what is no JavaScript", "<%= it.a %>\n  <% if (it.a { %><% } %>\n<%= it.a %>", "TEMPLATE_SYNTAX", 2, 3],
    ["a block that is not closed", "<% if (it.a) { %>\nyes", "TEMPLATE_SYNTAX", 1, 1],
  ])("%s", async (_name, page, code, line, column) => {
    const views = await viewsOf({ "page.html": page });
    const error = errorOf(() => views.render("page", { a: "a" }));
    expect(error).toMatchObject({ code, line, column, file: expect.stringMatching(/page\.html$/) as unknown });
  });

  test.each([
    ["<% if (it.a) { %>\nyes", "a { is not closed"],
    ["yes\n<% } %>", "a } closes nothing"],
  ])("%j: %s, in words that do not tell of the code around the view", async (page, reason) => {
    const views = await viewsOf({ "page.html": page });
    expect(errorOf(() => views.render("page", { a: "a" })).message).toContain(`: ${reason}\n`);
  });

  test("with the line and a caret, in the included file where it is there", async () => {
    const views = await viewsOf({ "page.html": `\n<%~ include("row") %>`, "row.html": "<tr>\n\t<td><%= it.nmae %>\n" });
    const error = errorOf(() => views.render("page", { name: "a", code: 7 }));
    expect(error.message).toMatch(
      /row\.html:2:6: "nmae" is not among the data of this view, which are name, code\n2 \| \t<td><%= it\.nmae %>\n {4}\t {4}\^$/,
    );
    expect(error.cause).toBeUndefined();
  });

  test("with what was thrown as its cause", async () => {
    const views = await viewsOf({ "page.html": "<%= it.fail() %>" });
    const cause = new Error("no");
    const fail = (): never => {
      throw cause;
    };
    expect(errorOf(() => views.render("page", { fail })).cause).toBe(cause);
  });
});

describe("a view that cannot be had is an error that says what to do:", () => {
  test.each([
    ["nope", "TEMPLATE_NOT_FOUND", /nope\.html.*create it/],
    ["part", "TEMPLATE_NOT_FOUND", /part\.html/],
    ["../secret", "TEMPLATE_OUTSIDE_VIEWS", /"\.\.\/secret" is outside/],
    ["part/../../secret", "TEMPLATE_OUTSIDE_VIEWS", /outside/],
    ["/etc/hostname.txt", "TEMPLATE_OUTSIDE_VIEWS", /outside/],
    ["", "TEMPLATE_NOT_FOUND", /\.html/],
  ])("%j", async (view, code, message) => {
    const views = await viewsOf({ "part/row.html": "", "page.html": "<%~ include(it.view) %>" });
    for (const render of [() => views.render(view, {}), () => views.render("page", { view })]) {
      const error = errorOf(render);
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
    }
  });

  test("any, without a folder", () => {
    expect(errorOf(() => new Views({ urlFor: String }).render("page", {})).code).toBe("TEMPLATE_NO_VIEWS");
  });
});

test("an application renders views, and keeps their mistakes from the client", async () => {
  const views = await mkdtemp(path.join(folder, "v-"));
  await writeFile(path.join(views, "base.html"), `<a href="<%= urlFor("home") %>"><%content%>`);
  await writeFile(path.join(views, "home.html"), "<%= it.title %>");
  await writeFile(path.join(views, "broken.html"), "<%= it.secret %>");
  const log: unknown[][] = [];
  const app = new App({
    views,
    layout: "base",
    logger: { error: (...entry) => void log.push(entry) },
    onError: (_error, context) =>
      context.request.url.endsWith("/nowhere") ? context.render("home", { title: "Lost" }) : undefined,
  });
  app.get("/", { name: "home" }, (context) => context.render("home", { title: "A&B" }));
  app.get("/plain", (context) => context.render("home", { title: "T" }, { layout: null, status: 201 }));
  app.get("/broken", (context) => context.render("broken"));
  await using client = await createTestClient(app);

  const home = await client.request("/");
  expect([home.status, home.headers.get("content-type"), home.text()]).toEqual([
    200,
    "text/html; charset=utf-8",
    '<a href="/">A&amp;B',
  ]);
  const plain = await client.request("/plain");
  expect([plain.status, plain.text()]).toEqual([201, "T"]);
  const lost = await client.request("/nowhere");
  expect([lost.status, lost.text()]).toEqual([404, '<a href="/">Lost']);

  const broken = await client.request("/broken", { headers: { accept: "text/html" } });
  expect(broken.status).toBe(500);
  expect(broken.text()).not.toContain("secret");
  expect(log).toEqual([
    [expect.stringMatching(/^GET \/broken answered 500: TEMPLATE_UNKNOWN_VARIABLE .*broken\.html:1:1/)],
  ]);
});
