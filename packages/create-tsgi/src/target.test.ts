import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assertEmpty, nameOf, TargetError, writeFiles } from "./target.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsgi-target-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each(["shop", "my-shop_2.0", "./deep/shop", "/srv/shop/"])("%j has the name of a package", (directory) => {
  expect(nameOf(directory)).toMatch(/^(?:shop|my-shop_2\.0)$/);
});

test.each(["My Shop", "Shop", ".shop", "@me", "店", "node_modules", "a".repeat(215)])(
  "%j has no such name",
  (directory) => {
    expect(() => nameOf(directory)).toThrow(TargetError);
  },
);

test("a folder that does not exist, is empty or has an empty repository can be used", () => {
  assertEmpty(join(folder, "none"));
  assertEmpty(folder);
  mkdirSync(join(folder, ".git"));
  assertEmpty(folder);
});

test("a folder with files is refused, with the names of some of them", () => {
  for (const name of ["a.txt", "b.txt", "c.txt"]) writeFileSync(join(folder, name), "");
  expect(() => assertEmpty(folder)).toThrow(
    new TargetError(`${folder} is not empty (a.txt, b.txt and 1 more): choose another directory`),
  );
});

test("a file is refused", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect(() => assertEmpty(file)).toThrow(new TargetError(`${file} is a file: choose another directory`));
});

test("writeFiles creates folders, and replaces no file", () => {
  const files = new Map([["src/app.ts", "new"]]);
  writeFiles(folder, files);
  expect(readFileSync(join(folder, "src/app.ts"), "utf8")).toBe("new");
  expect(() => writeFiles(folder, files)).toThrow(/EEXIST/);
});
