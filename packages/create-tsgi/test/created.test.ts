/**
 * Each kind of application compiles, and its own tests pass, on the sources of this repository. The check `created applications` of
 * `pnpm check` installs the packed packages instead, and serves the applications.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDatabase, describeWithMysql } from "../../framework/test/mysql-server.ts";
import type { DatabaseKind } from "../src/arguments.ts";
import { main } from "../src/main.ts";
import { writeFiles } from "../src/target.ts";
import { createFiles } from "../src/template.ts";

const MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));
const CONTENTS = [
  { page: true, api: true, suites: ["api", "app", "pages"] },
  { page: true, api: false, suites: ["app", "pages"] },
  { page: false, api: true, suites: ["api", "app"] },
] as const;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-created-"));
  await symlink(MODULES, join(folder, "node_modules"), "junction");
});
afterEach(() => rm(folder, { recursive: true }));

function testContents(database: DatabaseKind, createUrl: () => Promise<{ url: string; drop: () => Promise<void> }>) {
  test.each(CONTENTS)(
    "an application with page $page and api $api compiles and passes its tests",
    async ({ suites, ...content }) => {
      writeFiles(folder, createFiles({ name: "shop", database, packageManager: "npm", ...content }));
      await node(["node_modules/typescript/bin/tsc"]);
      const { url, drop } = await createUrl();
      try {
        // One process: the databases of the tests are one.
        const files = suites.map((name) => `test/${name}.test.ts`);
        const output = await node(["--test", "--test-concurrency=1", ...files], { TEST_DATABASE_URL: url });
        expect(output).toMatch(/^ℹ fail 0$/m);
      } finally {
        await drop();
      }
    },
  );
}

async function node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const options = { cwd: folder, env: { ...process.env, NODE_OPTIONS: "", ...env } };
  // A failure carries the output in its message.
  return promisify(execFile)(process.execPath, [...args], options).then(
    ({ stdout }) => stdout,
    (error: { readonly stdout: string; readonly stderr: string }) => {
      throw new Error(error.stdout + error.stderr);
    },
  );
}

describe("on SQLite", () => {
  testContents("sqlite", async () => ({ url: "sqlite::memory:", drop: async () => undefined }));
});

describeWithMysql("on MySQL", (adminUrl) => testContents("mysql", () => createDatabase(adminUrl)));

test("the command refuses a directory with files and wrong arguments, each with its exit code", async () => {
  expect(await main([folder, "--yes"])).toBe(1);
  expect(await main([join(folder, "Shop"), "--yes"])).toBe(1);
  expect(await main(["--database", "oracle"])).toBe(2);
});
