import { describe, expect, test } from "vitest";
import { decodePath, splitUrl } from "./request-path.ts";

test.each([
  ["http://host/a%20b?x=1", "/a%20b", "?x=1"],
  ["http://host/", "/", ""],
  ["http://host/a?", "/a", "?"],
  ["https://host:80/a?x=http://b/c", "/a", "?x=http://b/c"],
  ["http://[::1]:80//a", "//a", ""],
  ["http://host", "/", ""],
  ["http://host?x/y", "/", "?x/y"],
])("splitUrl of %s", (url, rawPath, query) => {
  expect(splitUrl(url)).toEqual({ rawPath, query });
});

describe("decodePath", () => {
  test.each([
    ["/", "/"],
    ["/a/b.css", "/a/b.css"],
    ["/a/", "/a/"],
    ["/%E6%B7%BB%E5%8A%A0.html", "/添加.html"],
    ["/a%20b", "/a b"],
    ["/%2561", "/%61"],
    ["/a..b/c...", "/a..b/c..."],
    ["/.well-known/security.txt", "/.well-known/security.txt"],
    ["/a@b:c;d,e=f!$&'()*+~_-", "/a@b:c;d,e=f!$&'()*+~_-"],
  ])("%s is %s", (rawPath, path) => {
    expect(decodePath(rawPath, false)).toEqual({ path });
  });

  test.each([
    ["a dot segment", "/../a", 400],
    ["a dot segment at the end", "/a/..", 400],
    ["a single dot", "/./a", 400],
    ["an encoded dot segment", "/%2e%2e/a", 400],
    ["a dot segment of which one dot is encoded", "/.%2E/a", 400],
    ["an encoded slash", "/a%2fb", 400],
    ["an encoded slash after dots", "/..%2Fa", 400],
    ["a backslash", "/..\\a", 400],
    ["an encoded backslash", "/..%5ca", 400],
    ["NUL", "/a%00.html", 400],
    ["an encoded line end", "/a%0d%0ab", 400],
    ["an encoded DEL", "/%7f", 400],
    ["invalid UTF-8", "/%ff", 400],
    ["overlong UTF-8", "/%c0%af", 400],
    ["a lone percent sign", "/100%", 400],
    ["raw non-ASCII", "/ä", 400],
    ["a space", "/a b", 400],
    ["a fragment", "/a#b", 400],
    ["the asterisk", "*", 400],
    ["nothing before a slash", "//evil.example/a", 404],
    ["an empty segment", "/a//b", 404],
    ["a dot file", "/.env", 404],
    ["a dot folder", "/.git/config", 404],
    ["an encoded dot file", "/%2eenv", 404],
    [".well-known deeper down", "/a/.well-known/b", 404],
  ])("refuses %s", (_name, rawPath, refusal) => {
    expect(decodePath(rawPath, false)).toEqual({ refusal });
  });

  test("accepts dot files if the option is on, and dot segments never", () => {
    expect(decodePath("/.env", true)).toEqual({ path: "/.env" });
    expect(decodePath("/../.env", true)).toEqual({ refusal: 400 });
  });
});
