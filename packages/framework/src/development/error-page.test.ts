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

  test("has one style element with the nonce, and no script", () => {
    const text = page(new Error("x"));
    expect(text.match(/<style nonce="n0nce">/g)).toHaveLength(1);
    expect(text).not.toMatch(/<script|style="/);
  });

  test.each([["a string"], [undefined], [null], [42], [{ member: 1 }]])(
    "shows the thrown value %o that is no Error",
    (thrown) => {
      expect(page(thrown)).toContain("A handler threw");
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
    expect(page(error)).toMatch(/<mark>\s*2 {2}&lt;p&gt;&lt;%= it.missing %&gt;/);
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
