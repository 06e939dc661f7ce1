import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { childEnvironment, envFiles } from "./environment.ts";

const root = mkdtempSync(join(tmpdir(), "tsgi-environment-"));
afterAll(() => rmSync(root, { recursive: true }));

test.each([
  [["--env-file=.env", "--no-warnings"], [".env"]],
  [
    ["--env-file", "a.env", "--env-file-if-exists=b.env"],
    ["a.env", "b.env"],
  ],
  [["--env-files=.env"], []],
])("the files of %j are %j", (execArgv, files) => {
  expect(envFiles(execArgv)).toEqual(files);
});

test("variables that came from a file are left to the next process, which reads the file again", () => {
  const file = join(root, ".env");
  writeFileSync(file, 'A=1\nB="two"\nC=3\n');
  const environment = { A: "1", B: "two", C: "given", D: "4" };
  expect(childEnvironment(environment, [file, join(root, "absent")], {})).toEqual({
    C: "given",
    D: "4",
    NODE_ENV: "development",
  });
});

test.each([
  ["a terminal", {}, { isTTY: true, getColorDepth: (): number => 8 }, { FORCE_COLOR: "2" }],
  ["a terminal without colours", {}, { isTTY: true, getColorDepth: (): number => 1 }, { FORCE_COLOR: "0" }],
  [
    "a terminal whose user wants none",
    { NO_COLOR: "1" },
    { isTTY: true, getColorDepth: (): number => 24 },
    { NO_COLOR: "1" },
  ],
  ["a file", {}, {}, {}],
])("colours for %s", (_what, environment, terminal, expected) => {
  expect(childEnvironment({ NODE_ENV: "test", ...environment }, [], terminal)).toEqual({
    NODE_ENV: "test",
    ...expected,
  });
});
