/** What importing an entry loads: only the driver in use. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const PROGRAM = `
  import { createRequire } from "node:module";
  await import(process.argv[1]);
  const files = Object.keys(createRequire(import.meta.url).cache).join();
  console.log(JSON.stringify({
    mysql2: /node_modules.mysql2/.test(files),
    sqlite: process.moduleLoadList.includes("NativeModule sqlite"),
  }));
`;

test.each([
  ["database", { mysql2: false, sqlite: false }],
  ["mysql", { mysql2: true, sqlite: false }],
  ["sqlite", { mysql2: false, sqlite: true }],
  ["migrations", { mysql2: false, sqlite: false }],
])("the entry %s loads %j", (entry, expected) => {
  const url = new URL(`./${entry}.ts`, import.meta.url).href;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", PROGRAM, url];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject(expected);
});
