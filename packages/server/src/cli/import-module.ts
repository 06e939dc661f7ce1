/** Imports a module that the user named, TypeScript with decorators included. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/**
 * Node removes types but does not lower standard decorators, so a TypeScript file is imported through tsx where the
 * application, or else this package, has it. Without tsx Node does what it can.
 * @throws what the module throws; where tsx might have helped, a line on the standard error stream says so first.
 */
export async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  const isTypeScript = /\.[mc]?tsx?$/.test(file);
  const lowered = isTypeScript && (await registerTsx(file));
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (isTypeScript && !lowered && mayNeedTsx(error)) {
      process.stderr.write(
        "tsgi: this Node does not run all of TypeScript by itself (decorators, enums): npm install --save-dev tsx\n",
      );
    }
    throw error;
  }
}

let tsxIsRegistered = false;

async function registerTsx(file: string): Promise<boolean> {
  if (tsxIsRegistered) return true;
  for (const from of [file, import.meta.url]) {
    const manifest = findManifest("tsx", from);
    if (manifest === null) continue;
    const { register } = (await import(new URL(entryOfTsx(manifest), manifest).href)) as TsxApi;
    register();
    tsxIsRegistered = true;
    return true;
  }
  return false;
}

interface TsxApi {
  readonly register: () => unknown;
}

/** The package.json of an installed package, or null. */
function findManifest(name: string, from: string): URL | null {
  try {
    return pathToFileURL(createRequire(from).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

/** The module for `import`: `createRequire` resolves to the one for `require`, whose `register` fails before Node 22.15. */
function entryOfTsx(manifest: URL): string {
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as {
    readonly exports: { readonly "./esm/api": { readonly import: { readonly default: string } } };
  };
  return exports["./esm/api"].import.default;
}

/** A syntax error with a code is the type remover's own, which has read the file as TypeScript and found it wrong. */
function mayNeedTsx(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (error instanceof SyntaxError && code === undefined) return true;
  return code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" || code === "ERR_UNKNOWN_FILE_EXTENSION";
}
