/** The public entries of the published packages: one page of the API reference for each. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./pages.ts";

/** A public entry of a package. */
export interface Entry {
  /** Such as `@tsgi/framework/forms`. */
  readonly name: string;
  /** The path of its source. */
  readonly file: string;
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
}

/** The entries in the order of the packages' manifests. */
export function listEntries(): readonly Entry[] {
  const packages = join(ROOT, "packages");
  return readdirSync(packages)
    .toSorted()
    .flatMap((folder) => {
      const manifest = JSON.parse(readFileSync(join(packages, folder, "package.json"), "utf8")) as Manifest;
      if (manifest.private === true) return [];
      return Object.entries(manifest.exports ?? {})
        .filter(([, path]) => path.endsWith(".ts"))
        .map(([key, path]) => ({ name: manifest.name + key.slice(1), file: join(packages, folder, path) }));
    });
}
