import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { helpText, readArguments, UsageError } from "./arguments.ts";

test("without arguments, everything is open", () => {
  const { yes, help, version, ...open } = readArguments([]);
  expect([yes, help, version]).toEqual([false, false, false]);
  expect(Object.values(open).every((value) => value === undefined)).toBe(true);
});

test.each([
  [["--page"], { page: true, api: false }],
  [["--api"], { page: false, api: true }],
  [["--page", "--api"], { page: true, api: true }],
  [["shop", "--database", "mysql"], { directory: "shop", database: "mysql" }],
  [["--no-install", "--git"], { install: false, git: true }],
  [["-y"], { yes: true, page: undefined }],
])("%j is read as %j", (args, expected) => {
  expect(readArguments(args)).toMatchObject(expected);
});

test.each([
  [["a", "b"], 'unexpected argument "b"'],
  [["--database", "oracle"], '--database must be sqlite or mysql, not "oracle"'],
  [["--what"], "Unknown option '--what'"],
  [["--database"], "Option '--database <value>' argument missing"],
])("%j is refused: %s", (args, message) => {
  expect(() => readArguments(args)).toThrow(new UsageError(message));
});

test("the help has a row for each option", () => {
  const flags = [...helpText().matchAll(/^ {2}(?:-\w, | {4})(--\S+)/gm)].map(([, flag]) => flag);
  expect(flags).toEqual([
    "--page",
    "--api",
    "--database",
    "--[no-]install",
    "--[no-]git",
    "--yes",
    "--help",
    "--version",
  ]);
});

test("the README has the help", () => {
  expect(readFileSync(new URL("../README.md", import.meta.url), "utf8")).toContain(`\`\`\`text\n${helpText()}\`\`\``);
});
