/**
 * `pnpm version-packages`: turns the changesets into a release that can be reviewed. changesets writes the version into the manifests
 * of the published packages; this writes it into everything else that has it, and the summaries into CHANGELOG.md.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { changelogSection, withSection, type Changeset } from "./lib/changelog.ts";

const CHANGESETS = join(import.meta.dirname, "../node_modules/@changesets/cli/bin.js");

interface Status {
  readonly changesets: readonly Changeset[];
  readonly releases: readonly { readonly name: string; readonly newVersion: string }[];
}

const { changesets, releases } = readStatus();
const version = releases[0]?.newVersion;
if (version === undefined) {
  console.log("no changeset asks for a release");
} else {
  changeset("version");
  for (const manifest of ["package.json", ...globSync("packages/*/package.json")]) {
    replace(manifest, /^(  "version": ")[^"]+/m, `$1${version}`);
  }
  for (const source of globSync("packages/*/src/version.ts")) {
    replace(source, /^(export const VERSION = ")[^"]+/m, `$1${version}`);
  }
  writeFileSync(
    "CHANGELOG.md",
    withSection(readFileSync("CHANGELOG.md", "utf8"), changelogSection(version, changesets)),
  );
  console.log(`version ${version}: ${changesets.length} changes`);
}

function readStatus(): Status {
  const folder = mkdtempSync(join(tmpdir(), "tsgi-version-"));
  try {
    const file = join(folder, "status.json");
    changeset("status", "--output", file);
    return JSON.parse(readFileSync(file, "utf8")) as Status;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function changeset(...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [CHANGESETS, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`changeset ${args.join(" ")}: ${status}`);
}

function replace(file: string, pattern: RegExp, replacement: string): void {
  const text = readFileSync(file, "utf8");
  if (!pattern.test(text)) throw new Error(`${file} has no version`);
  writeFileSync(file, text.replace(pattern, replacement));
}
