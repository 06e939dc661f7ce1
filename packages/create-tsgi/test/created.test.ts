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
import { requireRuntime } from "../../../scripts/lib/runtimes.ts";
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

/** A compiler and up to six processes of tests run in a row. */
const TIMEOUT_MS = 120_000;

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
        const files = suites.map((name) => `test/${name}.test.ts`);
        // The oldest Node of the packages stands for 22.18, which removes types without an option.
        const oldest = database === "sqlite" ? [[requireRuntime("node-22").program, "--experimental-strip-types"]] : [];
        for (const [program, ...options] of [[process.execPath], ...oldest]) {
          const args = [...options, "--test", "--test-concurrency=1", ...files];
          expect(await node(args, { TEST_DATABASE_URL: url }, program)).toMatch(/^[ℹ#] fail 0$/m);
        }
      } finally {
        await drop();
      }
    },
    TIMEOUT_MS,
  );
}

async function node(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  program = process.execPath,
): Promise<string> {
  const options = { cwd: folder, env: { ...process.env, NODE_OPTIONS: "", ...env } };
  // A failure carries the output in its message.
  return promisify(execFile)(program, [...args], options).then(
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
  // The standard input of a test is no terminal.
  expect(await main([join(folder, "shop")])).toBe(2);
});
