/**
 * `node scripts/prose.ts [path…]`: prints every use of a word that the project does not use, with what to write instead. The
 * words are in lib/prose.ts. Without a path it reads all files that git tracks. Exits 1 if it finds a word.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { run } from "./lib/machine.ts";
import { findDialect } from "./lib/prose.ts";

const ROOT = join(import.meta.dirname, "..");
const TEXT_FILE = /\.(?:ts|js|mjs|md|html|css|sql|txt|yaml)$/;
/** They name the words, or names that have changed. */
const EXEMPT = new Set([
  "CHANGELOG.md",
  "docs/glossary.md",
  "scripts/lib/prose.ts",
  "scripts/lib/prose.test.ts",
  "pnpm-lock.yaml",
]);

const { status, output } = await run("git", ["-C", ROOT, "ls-files", "-z", "--", ...process.argv.slice(2)], {
  env: process.env,
});
if (status !== 0) throw new Error(`git ls-files failed:\n${output}`);
const findings: string[] = [];
for (const file of output.split("\0")) {
  if (!TEXT_FILE.test(file) || EXEMPT.has(file) || !existsSync(join(ROOT, file))) continue;
  for (const { line, word, instead } of findDialect(readFileSync(join(ROOT, file), "utf8"))) {
    findings.push(`${file}:${line}: "${word}": ${instead}`);
  }
}

for (const finding of findings) console.log(finding);
console.log(`${findings.length} ${findings.length === 1 ? "word" : "words"} to replace`);
process.exitCode = findings.length === 0 ? 0 : 1;
