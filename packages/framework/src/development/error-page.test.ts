import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHeaderView } from "@tsgi/gateway-spec/server-kit";
import type { Exchange, IncomingRequest } from "@tsgi/gateway-spec";
import { describe, expect, test } from "vitest";
import { Views } from "../templates/views.ts";
import { framesOf, isLocalClient, renderErrorPage } from "./error-page.ts";

/** Not written in this file: the page shows the file. */
const SECRET = Buffer.from("c2VjcmV0", "base64").toString();

const request = {
  method: "GET",
  headers: toHeaderView([
    ["accept", "text/html"],
    ["cookie", `session=${SECRET}`],
    ["x-evil", "<script>"],
  ]),
} as unknown as IncomingRequest;
const exchange = { target: "/stocks?<b>" } as Exchange;

function page(error: unknown): string {
  return renderErrorPage(error, request, exchange, "n0nce");
}

describe("renderErrorPage", () => {
  test("shows the line of source that threw, marked, with its neighbours", () => {
    const text = page(new Error("the line that threw"));
    expect(text).toMatch(/<mark>\s*\d+ {2} {4}const text = page\(new Error\(&quot;the line that threw&quot;\)\);/);
    expect(text).toContain("error-page.test.ts:");
  });

  test("shows each cause once, in order", () => {
    const root: Error = new TypeError("root");
    const text = page(new Error("top", { cause: new Error("middle", { cause: root }) }));
    expect(text).toMatch(/Error: top[^]*Caused by Error: middle[^]*Caused by TypeError: root/);
    root.cause = root;
    expect(page(root).match(/TypeError: root<\/h/g)).toHaveLength(1);
  });

  test("escapes everything that comes from the request and the error", () => {
    const text = page(new Error("<img src=x>"));
    expect(text).not.toContain("<img");
    expect(text).not.toContain("<script>");
    expect(text).toContain("/stocks?&lt;b&gt;");
  });

  test("hides credentials", () => {
    const text = page(new Error("x"));
    expect(text).not.toContain(SECRET);
    expect(text).toMatch(/<dt>cookie<\/dt>\s*<dd>\(hidden\)<\/dd>/);
  });

  test("puts the frames of packages apart, and shows no source of them", () => {
    const error = new Error("x");
    error.stack = [
      "Error: x",
      "    at query (/app/node_modules/library/index.js:1:1)",
      `    at handler (${import.meta.filename}:3:7)`,
      "    at run (/elsewhere/framework/src/app.ts:1:1)",
    ].join("\n");
    const [own = "", libraries = ""] = page(error).split("<summary>Stack in libraries</summary>");
    expect(own).toMatch(/<mark>\s*3 {2}import \{ join \}/);
    expect(own).toContain("<code>handler</code>");
    expect(own).not.toMatch(/<code>(query|run)<\/code>/);
    expect(libraries).toMatch(/<code>query<\/code>[^]*<code>run<\/code>/);

    error.stack = "Error: x\n    at query (/app/node_modules/library/index.js:1:1)";
    expect(page(error)).not.toContain("<figure>");
  });

  test("has the first line of a message as its heading, and further lines below", () => {
    const text = page(new Error("two values are missing:\n- a\n- b"));
    expect(text).toContain("<h1>Error: two values are missing:</h1>");
    expect(text).toContain("<pre>- a\n- b</pre>");
  });

  test("has one style element with the nonce, and no script", () => {
    const text = page(new Error("x"));
    expect(text.match(/<style nonce="n0nce">/g)).toHaveLength(1);
    expect(text).not.toMatch(/<script|style="/);
  });

  test.each([["a string"], [undefined], [null], [42], [{ member: 1 }], [Object.create(null)]])(
    "shows the thrown value %o that is no Error",
    (thrown) => {
      expect(page(thrown)).toContain("<h1>A handler threw");
    },
  );

  test("shows the line of a view that failed", () => {
    const views = mkdtempSync(join(tmpdir(), "tsgi-views-"));
    writeFileSync(join(views, "page.html"), "<p>one</p>\n<p><%= it.missing %></p>\n");
    let error: unknown;
    try {
      new Views({ views, urlFor: () => "" }).render("page", {});
    } catch (thrown) {
      error = thrown;
    }
    const text = page(error);
    expect(text).toMatch(/<mark>\s*2 {2}&lt;p&gt;&lt;%= it.missing %&gt;/);
    expect(text).toMatch(/<h1>TemplateError TEMPLATE_UNKNOWN_VARIABLE: .*page\.html:2:4: [^<^\n]*<\/h1>/);
  });
});

test("framesOf reads V8's forms and leaves out frames of node itself", () => {
  const stack = [
    "Error: x",
    "    at handler (/app/src/a b.ts:12:7)",
    "    at async Promise.all (index 0)",
    "    at async file:///app/src/b%20c.ts:3:4",
    "    at node:internal/timers:5:6",
    "    at new Thing (file:///app/c.ts:1:2)",
  ].join("\n");
  expect(framesOf(stack)).toEqual([
    { name: "handler", file: "/app/src/a b.ts", line: 12, column: 7 },
    { name: "(anonymous)", file: "/app/src/b c.ts", line: 3, column: 4 },
    { name: "new Thing", file: "/app/c.ts", line: 1, column: 2 },
  ]);
});

test.each([
  [{ transport: "tcp", hostname: "127.0.0.1", port: 1 }, true],
  [{ transport: "tcp", hostname: "::1", port: 1 }, true],
  [{ transport: "tcp", hostname: "::ffff:127.0.0.1", port: 1 }, true],
  [{ transport: "unix", path: "/run/app.sock" }, true],
  [{ transport: "tcp", hostname: "192.0.2.7", port: 1 }, false],
] as const)("a client at %o is local: %s", (peerAddress, expected) => {
  expect(isLocalClient({ peerAddress })).toBe(expected);
});
