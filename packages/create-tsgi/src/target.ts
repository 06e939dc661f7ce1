/** The folder of the new application. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Files } from "./template.ts";

/** Why an application cannot be created there; a sentence for the user. */
export class TargetError extends Error {
  override readonly name = "TargetError";
}

/** What may be in the folder already: files of an empty repository, and settings of programs. */
const HARMLESS = new Set([".git", ".gitattributes", ".idea", ".npmrc", ".vscode", ".DS_Store", "LICENSE"]);

/** The name of the package in a directory. @throws TargetError */
export function nameOf(directory: string): string {
  const name = basename(resolve(directory));
  // A package name without a scope (docs.npmjs.com/cli/configuring-npm/package-json#name).
  if (/^[a-z0-9][a-z0-9._-]{0,213}$/.test(name) && name !== "node_modules") return name;
  throw new TargetError(
    `"${name}" cannot be the name of a package: use lower-case letters, digits, ".", "_" and "-", and begin with a letter or digit`,
  );
}

/** @throws TargetError if the directory has files, or is a file. */
export function assertEmpty(directory: string): void {
  const found = entriesOf(directory).filter((name) => !HARMLESS.has(name));
  if (found.length === 0) return;
  const [first, second, ...more] = found;
  const names = [first, second].filter((name) => name !== undefined).join(", ");
  throw new TargetError(
    `${directory} is not empty (${names}${more.length > 0 ? ` and ${more.length} more` : ""}): choose another directory`,
  );
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR") throw new TargetError(`${directory} is a file: choose another directory`);
    throw error;
  }
}

export function writeFiles(directory: string, files: Files): void {
  for (const [path, content] of files) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    // It never replaces a file.
    writeFileSync(file, content, { flag: "wx" });
  }
}
