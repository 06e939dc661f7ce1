import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { watchFiles } from "./watch-files.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tsgi-watch-"));
  for (const folder of ["src/deep", "node_modules/x", "dist", ".git"])
    await mkdir(join(root, folder), { recursive: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** The files reported from writing the given ones up to `last`, which is written after them. */
async function reported(names: readonly string[], last: string): Promise<readonly string[]> {
  const files = new Set<string>();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const unwatch = await watchFiles(root, (changed) => {
    for (const file of changed) files.add(file);
    if (files.has(last)) resolve(undefined);
  });
  for (const name of [...names, last]) await writeFile(join(root, name), name);
  await promise;
  unwatch();
  return [...files].toSorted();
}

test("reports .env files", async () => {
  expect(await reported([".env", ".env.local", ".environment", ".envrc"], "last.ts")).toEqual([
    ".env",
    ".env.local",
    "last.ts",
  ]);
});

test("reports sources, also in nested folders", async () => {
  expect(await reported(["app.ts", "src/page.eta", "src/deep/schema.sql"], "src/last.json")).toEqual([
    "app.ts",
    "src/deep/schema.sql",
    "src/last.json",
    "src/page.eta",
  ]);
});

test("does not report packages, build output, dot folders and databases", async () => {
  const ignored = ["node_modules/x/a.js", "dist/a.js", ".git/a.json", "data.sqlite", "data.sqlite-wal", "data.db"];
  expect(await reported(ignored, "last.ts")).toEqual(["last.ts"]);
});

test("reports files that were written into a new folder before it was watched", async () => {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  const unwatch = await watchFiles(root, resolve);
  await mkdir(join(root, "new/inside"), { recursive: true });
  await writeFile(join(root, "new/inside/a.ts"), "");
  expect(await promise).toEqual([join("new", "inside", "a.ts")]);
  unwatch();
});
