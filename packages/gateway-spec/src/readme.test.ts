/** Runs each program of README.md as its reader would, and compares what it prints with the block after it. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");
const programs = [...readme.matchAll(/```ts\n([^]*?)```\n\n```text\n([^]*?)```/g)];

test("README.md has programs", () => {
  expect(programs.length).toBe(readme.match(/^```ts$/gm)?.length);
});

test.each(programs.map(([, code = "", output = ""], index) => [index + 1, code, output] as const))(
  "program %i of README.md prints what it says",
  (_number, code, output) => {
    // Node 22 has neither TypeScript in --eval nor `await using`.
    const { code: program } = transformSync(code, { loader: "ts", target: "es2024" });
    const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
    const run = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.stdout).toBe(output);
  },
);
