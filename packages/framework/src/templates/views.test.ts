import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { html } from "../html.ts";
import { App, route } from "../index.ts";
import { TemplateError } from "./error.ts";
import { Views, type ViewsOptions } from "./views.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "tsgi-views-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Views of the given files, in a new folder. */
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
    ["writes text as it is in the file", "a\n$& <b>\\' \u2028\n", {}, "a\n$& <b>\\' \u2028\n"],
    ["has line feeds as line ends and no byte order mark", "\uFEFFa\r\nb\n", {}, "a\nb\n"],
    ["escapes what <%= writes", "<%= it.a %>", { a: `<a href="'">&` }, "&lt;a href=&quot;&#39;&quot;&gt;&amp;"],
    ["does not escape what <%~ writes", "<%~ it.a %>", { a: "<b>" }, "<b>"],
    ["does not escape a value of the html tag again", "<%= it.a %>", { a: html`<b>${"&"}</b>` }, "<b>&amp;</b>"],
    ["runs the code of a tag", "<% for (const n of it.ns) { %><%= n %>,<% } %>", { ns: [1, 2] }, "1,2,"],
    ["leaves a loop by break", "<% for (const n of it.ns) { %><%= n %><% break %><% } %>", { ns: [1, 2] }, "1"],
    ["keeps the line ends around tags", "a\n<%= it.a %>\nb", { a: 1 }, "a\n1\nb"],
    ["removes one line end beside a dash", "a\n\n<%- const x = 1 -%>\n\nb", {}, "a\n\nb"],
    ["removes all white space beside an underscore", "a \n <%_ const x = 1 _%> \n b", {}, "ab"],
    ["takes a decrement before the end of a tag for code", "<% let i = 1; i--%><%= i %>", {}, "0"],
    ["writes nothing for null", "[<%= it.a %>]", { a: null }, "[]"],
    ["may test a value that was given as undefined", "<% if (it.a) { %>a<% } %>", { a: undefined }, ""],
    ["may ask whether a name is among the data", `<%= "a" in it %> <%= "b" in it %>`, { a: 1 }, "true false"],
    ["builds URLs", `<%= urlFor("edit", { code: 7 }) %>`, {}, "/edit/7"],
    ["includes views with its data and more", `<%~ include("part/row", { b: 2 }) %>`, { a: "<" }, "&lt;2"],
    ["includes views by the escaping tag too", `<%= include("part/row", { b: 2 }) %>`, { a: "<" }, "&lt;2"],
    ["starts a tag with a bracket", "x<% [1, 2].forEach((n) => { %><%= n %><% }) %>", {}, "x12"],
    ["starts a tag with a parenthesis", "x<% (() => { %>y<% })() %>", {}, "xy"],
    ["ends a value with a comment", "<%= it.a // why\n%><%~ it.a /* why */ %>", { a: 1 }, "11"],
    ["has comments with apostrophes", "<% // don't %>x<% // a `b\n%>y<% /* it's */ %>z", {}, "xyz"],
    ["has regular expressions with quotes", `<% const re = /['"]/; %><%= re.test("'") %>`, {}, "true"],
    ["distinguishes a division from a regular expression", "<%= it.a / 2 %>/<%= (it.a) / 4 %>'", { a: 8 }, "4/2'"],
    ["has the end of a tag in a string", `<%= "%>" %><%= \`%>\${"%>"}\` %>`, {}, "%&gt;%&gt;%&gt;"],
    ["has strings with escapes", String.raw`<%= 'a\/b' && "x\"" %>`, {}, "x&quot;"],
  ])("%s", async (_name, page, data, expected) => {
    const views = await viewsOf({ "page.html": page, "part/row.html": "<%= it.a %><%= it.b %>" });
    expect(views.render("page", data)).toBe(expected);
  });

  test("reads getters and methods of a class, and of its base class", async () => {
    class Base {
      readonly #first: string;
      constructor(first: string) {
        this.#first = first;
      }
      get first() {
        return this.#first;
      }
      get full() {
        return "of the base";
      }
    }
    class Person extends Base {
      readonly last = "B";
      override get full() {
        return `${this.first} ${this.last}`;
      }
      greet(word: string) {
        return `${word} ${this.full}`;
      }
    }
    const views = await viewsOf({
      "page.html": `<%= it.full %>|<%~ include("part", { last: "C" }) %>`,
      "part.html": `<%= it.greet("Hi") %>|<%= it.last %>|<%~ JSON.stringify(it) %>`,
    });
    expect(views.render("page", new Person("A"))).toBe(`A B|Hi A B|C|{"last":"C","full":"A B","first":"A"}`);
    expect(errorOf(() => views.render("page", new Base("A"))).code).toBe("TEMPLATE_UNKNOWN_VARIABLE");
  });

  test("may replace a getter by the data of an include", async () => {
    class Data {
      get name() {
        return "getter";
      }
    }
    const views = await viewsOf({
      "page.html": `<%= it.name %> <%= include("part", { name: "given" }) %>`,
      "part.html": "<%= it.name %>",
    });
    expect(views.render("page", new Data())).toBe("getter given");
  });

  test("calls no getter that it does not read", async () => {
    class Data {
      readonly name = "a";
      get expensive(): never {
        throw new Error("called");
      }
    }
    const views = await viewsOf({ "page.html": `<%~ include("part") %>`, "part.html": "<%= it.name %>" });
    expect(views.render("page", new Data())).toBe("a");
  });

  test("is found by a file name with another extension, in a folder given as a URL", async () => {
    const root = pathToFileURL(`${folder}/`);
    await writeFile(new URL("feed.xml", root), "<feed/>");
    expect(new Views({ views: root, urlFor: String }).render("feed.xml", {})).toBe("<feed/>");
  });

  test("is read again after a change of its file, unless views are cached", async () => {
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

describe("json", () => {
  const hostile = `</script><!-- & \u2028\u2029 "'`;

  test("writes data into a script element, where no value ends the element", async () => {
    const views = await viewsOf({ "page.html": `<script type="application/json"><%~ json(it.a) %></script>` });
    const page = views.render("page", { a: { text: hostile } });
    expect(page).toBe(
      String.raw`<script type="application/json">{"text":"\u003c/script\u003e\u003c!-- \u0026 \u2028\u2029 \"'"}</script>`,
    );
    expect(JSON.parse(page.replaceAll(/<[^>]*>/g, ""))).toEqual({ text: hostile });
  });

  test("writes data into an attribute", async () => {
    const views = await viewsOf({ "page.html": `<p data-a="<%= json(it.a) %>">` });
    expect(views.render("page", { a: [`"`, "<"] })).toBe(
      String.raw`<p data-a="[&quot;\&quot;&quot;,&quot;\u003c&quot;]">`,
    );
  });

  test("writes all of the data, as JSON.stringify does", async () => {
    const views = await viewsOf({ "page.html": "<%= json(it) %><%~ JSON.stringify(it) %>" });
    expect(views.render("page", { a: 1 })).toBe(`{&quot;a&quot;:1}{"a":1}`);
  });

  test.each([
    ["<p data-a='<%~ json(it.a) %>'>", "outside of a script element write <%= json(…) %>"],
    ["<script>1</script><%~ json(it.a) %>", "outside of a script element write <%= json(…) %>"],
    ["<script>const a = <%= json(it.a) %></script>", "in a script element write <%~ json(…) %>"],
  ])("by the tag for the other place is an error: %s", async (page, reason) => {
    const views = await viewsOf({ "page.html": page });
    const error = errorOf(() => views.render("page", { a: 1 }));
    expect(error.code).toBe("TEMPLATE_CONTEXT");
    expect(error.message).toContain(reason);
  });

  test("of a value that JSON cannot hold is TEMPLATE_VALUE", async () => {
    const views = await viewsOf({ "page.html": "<%= json(() => 1) %>" });
    expect(errorOf(() => views.render("page", {})).code).toBe("TEMPLATE_VALUE");
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
  ])("has the page in place of %j, without a change of its characters", async (tag) => {
    const views = await viewsOf({ "layout.html": `[${tag}]`, "page.html": "<%~ it.text %>" }, { layout: "layout" });
    expect(views.render("page", { text: hostile })).toBe(`[${hostile}]`);
  });

  test("has the data of the page, and may include views", async () => {
    const views = await viewsOf({
      "layout.html": `<%= it.title %>|<%~ include("menu") %>|<% content %>`,
      "menu.html": "menu of <%= it.title %>",
      "page.html": "page",
    });
    expect(views.render("page", { title: "T" }, "layout")).toBe("T|menu of T|page");
  });

  test("is the layout of the call, of the application, or none", async () => {
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
      "leaves <%content%> to an included view",
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

describe("a mistake in a view is an error with a code and a place:", () => {
  test.each([
    ["a tag with only a name", "<b>\n  <%name%>", "TEMPLATE_UNKNOWN_TAG", 2, 3],
    ["a tag with only a member", "<b> <% it.name %>", "TEMPLATE_UNKNOWN_TAG", 1, 5],
    ["a tag with only a calculation", `<b> <% it.a + "b" %>`, "TEMPLATE_UNKNOWN_TAG", 1, 5],
    ["an include that writes nothing", `<% include("page") %>`, "TEMPLATE_UNKNOWN_TAG", 1, 1],
    ["an include as EJS spells it", `<b><%- include("page") %>`, "TEMPLATE_UNKNOWN_TAG", 1, 4],
    ["a value as EJS spells it", `<%- it.a.trim() -%>`, "TEMPLATE_UNKNOWN_TAG", 1, 1],
    ["a URL that is not written", `<% urlFor("x") %>`, "TEMPLATE_UNKNOWN_TAG", 1, 1],
    ["a comment as EJS spells it", "<%# it's %>", "TEMPLATE_UNKNOWN_TAG", 1, 1],
    ["a promise", "<%= it.later %>", "TEMPLATE_VALUE", 1, 1],
    ["a promise in a condition", "\n<% if (it.later) { %><% } %>", "TEMPLATE_VALUE", 2, 1],
    ["a promise that a call gives", "<%~ it.load() %>", "TEMPLATE_VALUE", 1, 1],
    ["a function that is not called", "<%= it.load %>", "TEMPLATE_VALUE", 1, 1],
    ["a plain object", "<%= it.object %>", "TEMPLATE_VALUE", 1, 1],
    ["an array of texts", "<%= it.array %>", "TEMPLATE_VALUE", 1, 1],
    ["a name that is not among the data", "<%= it.a %><%= it.b %>", "TEMPLATE_UNKNOWN_VARIABLE", 1, 12],
    [
      "a name that is not among the data in a condition",
      "\n<% if (it.b) { %><% } %>",
      "TEMPLATE_UNKNOWN_VARIABLE",
      2,
      1,
    ],
    ["a name that every object has", "<%= it.constructor %>", "TEMPLATE_UNKNOWN_VARIABLE", 1, 1],
    ["a name without `it`", "<p>\n\t<%= a %>", "TEMPLATE_UNKNOWN_VARIABLE", 2, 2],
    ["a value that is undefined", "<%= it.a %>\n<%~ it.a.b %>", "TEMPLATE_UNKNOWN_VARIABLE", 2, 1],
    ["an error of the code", "<%= it.a %>\r\n <%= null.x %>", "TEMPLATE_FAILED", 2, 2],
    ["a tag that is not closed", "<b>\n<%= it.a", "TEMPLATE_SYNTAX", 2, 1],
    ["a string that is not closed", '<b>\n<%= "a %>', "TEMPLATE_SYNTAX", 2, 5],
    ["a comment that is not closed", "<b>\n<%= it.a /* %>", "TEMPLATE_SYNTAX", 2, 10],
    ["a regular expression that is not closed", "<%= /a %>\n", "TEMPLATE_SYNTAX", 1, 5],
    ["a tag without a value", "<b><%= %>", "TEMPLATE_SYNTAX", 1, 4],
    ["code that is not JavaScript", "<%= it.a %>\n  <% if (it.a { %><% } %>\n<%= it.a %>", "TEMPLATE_SYNTAX", 2, 3],
    ["a block that is not closed", "<% if (it.a) { %>\nyes", "TEMPLATE_SYNTAX", 1, 1],
  ])("%s", async (_name, page, code, line, column) => {
    const views = await viewsOf({ "page.html": page });
    const later = Promise.resolve(1);
    const data = { a: "a", later, load: () => later, object: {}, array: ["a"] };
    const error = errorOf(() => views.render("page", data));
    expect(error).toMatchObject({ code, line, column, file: expect.stringMatching(/page\.html$/) as unknown });
  });

  test.each([
    ["<% if (it.a) { %>\nyes", "a { is not closed"],
    ["yes\n<% } %>", "a } has no matching {"],
  ])("%j: the message is %j and does not mention code that is not in the view", async (page, reason) => {
    const views = await viewsOf({ "page.html": page });
    expect(errorOf(() => views.render("page", { a: "a" })).message).toContain(`: ${reason}\n`);
  });

  test("the message has the line and a caret, and names the included file if the mistake is there", async () => {
    const views = await viewsOf({ "page.html": `\n<%~ include("row") %>`, "row.html": "<tr>\n\t<td><%= it.nmae %>\n" });
    const error = errorOf(() => views.render("page", { name: "a", code: 7 }));
    expect(error.message).toMatch(
      /row\.html:2:6: "nmae" is not among the data of this view, which are name, code\n2 \| \t<td><%= it\.nmae %>\n {4}\t {4}\^$/,
    );
    expect(error.cause).toBeUndefined();
  });

  test("the cause is what the code threw", async () => {
    const views = await viewsOf({ "page.html": "<%= it.fail() %>" });
    const cause = new Error("no");
    const fail = (): never => {
      throw cause;
    };
    expect(errorOf(() => views.render("page", { fail })).cause).toBe(cause);
  });
});

describe("a view that cannot be loaded is an error that says what to do:", () => {
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

  test("every view, if the application has no views folder", () => {
    expect(errorOf(() => new Views({ urlFor: String }).render("page", {})).code).toBe("TEMPLATE_NO_VIEWS");
  });
});

test("an application renders views and sends no text of their errors to the client", async () => {
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
    [expect.stringMatching(/^GET \/broken failed with 500: TEMPLATE_UNKNOWN_VARIABLE .*broken\.html:1:1/)],
  ]);
});

test("views have the URLs and the nonce of their request", async () => {
  const views = await mkdtemp(path.join(folder, "v-"));
  await writeFile(path.join(views, "part.html"), `<%= urlFor("show", { id: 7 }, { page: 2 }) %>`);
  await writeFile(
    path.join(views, "page.html"),
    `<%= include("part") %> <%= urlFor(it.show, { id: 8 }) %> <script nonce="<%= cspNonce() %>"></script>`,
  );
  const show = route("GET /stocks/:id<int>", { name: "show" });
  const shop = new App({ views });
  shop.on(show, ({ render }) => render("page", { show }));
  const app = new App();
  app.mount("/shop", shop);
  await using client = await createTestClient(app);
  const page = await client.request("/shop/stocks/1");
  const [, urls, nonce] = /^(.*) <script nonce="([\w-]+)">/.exec(page.text()) ?? [];
  expect(urls).toBe("/shop/stocks/7?page=2 /shop/stocks/8");
  expect(page.headers.get("content-security-policy")).toContain(`'nonce-${nonce}'`);
});
