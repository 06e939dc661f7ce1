import { describe, expect, test } from "vitest";
import { Html, escapeHtml, html } from "./html.ts";

describe("the html tag", () => {
  test.each<[string, Html, string]>([
    ["escapes text", html`<b>${`<a href="x">'&`}</b>`, "<b>&lt;a href=&quot;x&quot;&gt;&#39;&amp;</b>"],
    ["writes numbers, booleans and bigints", html`${1} ${true} ${2n}`, "1 true 2"],
    ["writes nothing for null", html`[${null}]`, "[]"],
    ["does not escape the result of html again", html`<ul>${html`<li>${"&"}</li>`}</ul>`, "<ul><li>&amp;</li></ul>"],
    ["joins an array of such results", html`${["<", "b"].map((item) => html`<i>${item}</i>`)}`, "<i>&lt;</i><i>b</i>"],
    ["writes an empty array as nothing", html`[${[]}]`, "[]"],
    ["writes what the caller vouches for", html`${new Html("<hr>")}`, "<hr>"],
    ["uses the text of an object that has one", html`${new URL("http://a/?b&c")}`, "http://a/?b&amp;c"],
  ])("%s", (_name, actual, expected) => {
    expect(String(actual)).toBe(expected);
  });

  test.each<[string, unknown, RegExp]>([
    ["undefined", undefined, /undefined/],
    ["a promise", Promise.resolve(1), /await it/],
    // oxlint-disable-next-line unicorn/no-thenable -- drivers and query builders return such objects
    ["any thenable", { then: () => {} }, /await it/],
    ["a function", () => 1, /call it/],
    ["a symbol", Symbol("a"), /symbol/],
    ["an array of strings", ["<b>"], /join/],
    ["an array that mixes HTML and text", [html`a`, "<b>"], /join/],
    ["a plain object", { a: 1 }, /object without a text/],
    ["an object without a prototype", Object.create(null), /object without a text/],
  ])("refuses %s", (_name, value, message) => {
    expect(() => html`${value}`).toThrow(message);
  });
});

test("the error names the text before the value that has none", () => {
  const page = () => html`
    <p>${1}</p>
    <b>${undefined}</b>`;
  expect(page).toThrow('html: the value is undefined, after "</p> <b>"');
});

test("an object that looks like Html is escaped or refused", () => {
  const forged = { toString: () => "<script>" };
  expect(String(html`${forged}`)).toBe("&lt;script&gt;");
});

test("escapeHtml leaves a text without special characters as it is", () => {
  expect(escapeHtml("全新好 a=b")).toBe("全新好 a=b");
});
