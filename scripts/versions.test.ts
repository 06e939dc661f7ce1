/** The packages are released together: their manifests, the constants in their sources and the changelog have one version. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const release = /^## (\d+\.\d+\.\d+)/m.exec(read("CHANGELOG.md"))?.[1];

test.each(["package.json", ...globSync("packages/*/package.json", { cwd: ROOT })])(
  "%s has the version of the first release in the changelog",
  (manifest) => {
    expect((JSON.parse(read(manifest)) as { readonly version: string }).version).toBe(release);
  },
);

test.each(globSync("packages/*/src/version.ts", { cwd: ROOT }))(
  "%s has the version of the first release in the changelog",
  (file) => {
    expect(/^export const VERSION = "([^"]+)";$/m.exec(read(file))?.[1]).toBe(release);
  },
);

test("no other source of a package contains the version", () => {
  const sources = globSync("packages/*/src/**/*.ts", { cwd: ROOT, exclude: ["**/*.test.ts", "**/version.ts"] });
  expect(sources.filter((file) => read(file).includes(`/${release}"`))).toEqual([]);
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
