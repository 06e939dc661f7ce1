/** The script of the pages. What it does is tested in the browser. */
import { execFile } from "node:child_process";
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundleScript } from "../src/bundle-script.ts";

const ROOT = join(import.meta.dirname, "../../..");

test("compiles with the types of a browser", async () => {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const project = join(import.meta.dirname, "../browser/tsconfig.json");
  await promisify(execFile)(process.execPath, [tsc, "-p", project]);
});

test("is one small file without the schema library, and is written only when it changes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-script-"));
  try {
    const file = join(folder, "app.js");
    bundleScript(pathToFileURL(file));
    const text = await readFile(file, "utf8");
    expect(text.length).toBeLessThan(40_000);
    expect(text).not.toMatch(/ZodType|^import /m);
    const { mtimeMs } = await stat(file);
    bundleScript(pathToFileURL(file));
    expect((await stat(file)).mtimeMs).toBe(mtimeMs);
    expect(await readdir(folder)).toEqual(["app.js"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("replaces the file as a whole, so that a server that reads the old one gets all of it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-script-"));
  try {
    const file = join(folder, "app.js");
    await writeFile(file, "old");
    await using reader = await open(file);
    bundleScript(pathToFileURL(file));
    expect(await reader.readFile("utf8")).toBe("old");
    expect(await readFile(file, "utf8")).not.toBe("old");
  } finally {
    await rm(folder, { recursive: true });
  }
});
