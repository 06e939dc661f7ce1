/** The names that the packages export, from the modules and their sources. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Manifest } from "./manifests.ts";

const PACKAGES = join(import.meta.dirname, "../../packages");

export interface PublicNames {
  /** Such as `@tsgi/framework/forms`. */
  readonly entry: string;
  /** The path of the source. */
  readonly file: string;
  /** Functions, classes and constants. */
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/** The names of each entry, in the order of the manifests. */
export async function listPublicNames(): Promise<readonly PublicNames[]> {
  const entries: PublicNames[] = [];
  for (const folder of readdirSync(PACKAGES).toSorted()) {
    const manifest = JSON.parse(readFileSync(join(PACKAGES, folder, "package.json"), "utf8")) as Manifest;
    for (const [key, path] of Object.entries(manifest.exports ?? {})) {
      const file = join(PACKAGES, folder, path);
      const values = Object.keys((await import(file)) as object).toSorted();
      entries.push({ entry: manifest.name + key.slice(1), file, values, types: typesOf(file) });
    }
  }
  return entries;
}

function typesOf(file: string): readonly string[] {
  const source = readFileSync(file, "utf8");
  if (/^export \*/m.test(source)) throw new Error(`${file} exports names that it does not list`);
  const declared = [...source.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name = ""]) => name);
  const listed = [...source.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, all, names = ""]) =>
    names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && (all !== undefined || name.startsWith("type ")))
      .map((name) => name.replace(/^type /, "").replace(/^.* as /, "")),
  );
  return [...declared, ...listed].toSorted();
}
