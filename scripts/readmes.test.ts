/** The README of a package is its page on npm: it says how to install it, what is in it, and what it needs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import type { Manifest } from "./lib/manifests.ts";

const PACKAGES = join(import.meta.dirname, "../packages");
const published = readdirSync(PACKAGES)
  .map((folder) => ({
    manifest: JSON.parse(readFileSync(join(PACKAGES, folder, "package.json"), "utf8")) as Manifest,
    readme: readFileSync(join(PACKAGES, folder, "README.md"), "utf8"),
  }))
  .filter(({ manifest }) => manifest.private !== true);

describe.each(published)("the README of $manifest.name", ({ manifest, readme }) => {
  const { name, exports = {}, bin = {}, engines } = manifest;

  test("begins with its name, and has a program or a command before its second heading", () => {
    expect(readme.startsWith(`# ${name}\n`)).toBe(true);
    const [, beginning = ""] = readme.split(/^#+ .*$/m);
    expect(beginning).toMatch(/^```(?:ts|sh)$/m);
  });

  test("says how to install it", () => {
    expect(readme).toMatch(
      name === "create-tsgi" ? /^npm create tsgi@latest/m : new RegExp(`^npm install .*${name}`, "m"),
    );
  });

  test("has a row for each entry and each command", () => {
    const rows = readme.match(/^\| .*$/gm)?.join("\n") ?? "";
    const entries = Object.keys(exports).map((entry) => entry.slice(1));
    const isThere = (entry: string) => rows.includes(`\`${name}${entry}\``) || rows.includes(`\`…${entry}\``);
    expect(entries.filter((entry) => !isThere(entry))).toEqual([]);
    expect(Object.keys(bin).filter((command) => !readme.includes(command))).toEqual([]);
  });

  test("names the oldest Node and the licence", () => {
    expect(readme.replaceAll(/\s+/g, " ").includes(`Node ${engines?.node.replace(">=", "")} or newer`)).toBe(true);
    expect(readme).toMatch(/^MIT licence\.$/m);
  });
});
