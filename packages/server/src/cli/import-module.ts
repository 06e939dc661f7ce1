/**
 * Imports a module that the user named, in JavaScript or TypeScript. Node removes types by itself; tsx is loaded at the first file
 * that needs more, from beside that file or from beside this package. Without such a file, a start needs a third less CPU time.
 */
import { readFileSync } from "node:fs";
import * as nodeModule from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findSyntaxForTsx } from "./needs-tsx.ts";

export type ImportErrorCode = "TSX_MISSING" | "MODULE_IS_COMMONJS" | "LEGACY_DECORATORS";

/** A module that cannot be imported for a known reason. The message says what to change. */
export class ImportError extends Error {
  override readonly name = "ImportError";
  readonly code: ImportErrorCode;

  constructor(code: ImportErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

type Exports = Readonly<Record<string, unknown>>;

/** @returns its exports. @throws ImportError; or what the module throws. */
export async function importModule(file: string): Promise<Exports> {
  const namespace = await importNamespace(file);
  // An ES module that tsx has compiled to CommonJS has only `default` on Node 22: its `module.exports`, which compilers mark.
  const compiled = namespace["default"] as Partial<Exports> | null | undefined;
  return compiled?.["__esModule"] === true ? compiled : namespace;
}

async function importNamespace(file: string): Promise<Exports> {
  const url = pathToFileURL(file).href;
  if (isTypeScript(file)) prepareTypeScript(file, url);
  else refuseCommonJs(file);
  try {
    return (await import(url)) as Exports;
  } catch (error) {
    // Both come before any module runs: syntax that the check did not find, and what tsx resolves, such as "./x.js" for x.ts.
    const mayWorkWithTsx =
      isTypeScript(file) && (error instanceof SyntaxError || codeOf(error) === "ERR_MODULE_NOT_FOUND");
    if (!mayWorkWithTsx || tsx.state === "registered" || !registerTsx(file)) throw explainFailure(file, error);
  }
  try {
    return (await import(url)) as Exports;
  } catch (error) {
    throw explainFailure(file, error);
  }
}

/** What is known of tsx. `missing`: a file needs it, for this reason, and it is not installed. */
let tsx: { readonly state: "unused" | "registered" } | { readonly state: "missing"; readonly message: string } = {
  state: "unused",
};
let hooked = false;

function prepareTypeScript(file: string, url: string): void {
  // Node 22.13 to 22.17 does not remove types, and has no synchronous hooks before 22.15.
  const { registerHooks } = nodeModule as Partial<typeof nodeModule>;
  if (process.features.typescript === false || registerHooks === undefined) {
    if (tsx.state === "unused" && !registerTsx(file)) noteMissing(file, "TypeScript");
    return;
  }
  // Before the import: tsx then resolves this file too, and decides what kind of module it is.
  if (tsx.state === "unused") checkFile(url);
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if (tsx.state === "unused") checkFile(resolved.url);
      return resolved;
    },
  });
}

/** Registers tsx if the file needs it. tsx is in place before the file is loaded, and compiles it and all later ones. */
function checkFile(url: string): void {
  if (!url.startsWith("file:") || url.includes("/node_modules/")) return;
  const file = fileURLToPath(url);
  if (!isTypeScript(file)) return;
  // Node takes a .ts file of another package for CommonJS, or warns of it.
  const reason =
    file.endsWith(".ts") && packageType(file) !== "module"
      ? "ES modules in a CommonJS package"
      : findSyntaxForTsx(file, readFileSync(file, "utf8"));
  if (reason === null || registerTsx(file)) return;
  refuseCommonJs(file);
  noteMissing(file, reason);
}

/** @returns whether tsx is installed. */
function registerTsx(file: string): boolean {
  for (const from of [file, import.meta.url]) {
    const require = nodeModule.createRequire(from);
    let manifest: string;
    try {
      manifest = require.resolve("tsx/package.json");
    } catch {
      continue; // Not installed there.
    }
    // The entry for `import`: the one for `require` fails before Node 22.15.
    const { exports } = require(manifest) as {
      readonly exports: { readonly "./esm/api": { readonly import: { readonly default: string } } };
    };
    const entry = join(dirname(manifest), exports["./esm/api"].import.default);
    const { register } = require(entry) as { readonly register: () => unknown };
    register();
    // Without the hooks of Node 22.15, a second registration covers CommonJS.
    if (nodeModule.registerHooks === undefined)
      (require("tsx/cjs/api") as { readonly register: () => unknown }).register();
    tsx = { state: "registered" };
    return true;
  }
  return false;
}

function noteMissing(file: string, reason: string): void {
  const message = `${file} has ${reason}, which this Node does not run by itself: npm install --save-dev tsx`;
  tsx = { state: "missing", message };
}

function explainFailure(file: string, error: unknown): unknown {
  if (tsx.state === "missing" && isCompileError(error)) {
    return new ImportError("TSX_MISSING", tsx.message, error);
  }
  // tsx reads the one of the working directory.
  const config = error instanceof TypeError ? findUp(process.cwd(), "tsconfig.json") : null;
  if (config !== null && /"experimentalDecorators"\s*:\s*true/.test(config.text)) {
    // The helper of esbuild for decorators of the old kind.
    if (error instanceof Error && error.stack?.includes("__decorateClass") === true) {
      const message = `${config.path} sets "experimentalDecorators", but the decorators of ${file} are standard ones: remove that line`;
      return new ImportError("LEGACY_DECORATORS", message, error);
    }
  }
  return error;
}

/** A JSON.parse of the module throws a SyntaxError too. */
function isCompileError(error: unknown): boolean {
  if (error instanceof SyntaxError) return !error.message.includes("JSON");
  return codeOf(error) === "ERR_UNKNOWN_FILE_EXTENSION";
}

/** Node would report the first `export`, and a warning that has the cause. */
function refuseCommonJs(file: string): void {
  if (!/\.[jt]s$/.test(file) || packageType(file) !== "commonjs" || !ES_MODULE.test(readFileSync(file, "utf8"))) return;
  throw new ImportError(
    "MODULE_IS_COMMONJS",
    `${file} is an ES module, but ${findUp(dirname(file), "package.json")?.path} says "type": "commonjs": ` +
      `write "type": "module" there, or rename the file to ${file.endsWith(".ts") ? ".mts" : ".mjs"}`,
  );
}

const ES_MODULE = /^[ \t]*(?:export[ \t{*]|import[ \t{*"'])/m;

/** What the package of a file says of its .js and .ts files. */
function packageType(file: string): "module" | "commonjs" | null {
  const manifest = findUp(dirname(file), "package.json");
  const type = /"type"\s*:\s*"(module|commonjs)"/.exec(manifest?.text ?? "")?.[1];
  return type === "module" || type === "commonjs" ? type : null;
}

/** The nearest file of the name, in a folder or the folders above it. */
function findUp(start: string, name: string): { readonly path: string; readonly text: string } | null {
  for (let folder = start; ; folder = dirname(folder)) {
    const path = join(folder, name);
    try {
      return { path, text: readFileSync(path, "utf8") };
    } catch {
      if (folder === dirname(folder)) return null;
    }
  }
}

function isTypeScript(file: string): boolean {
  return /\.[mc]?tsx?$/.test(file);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
