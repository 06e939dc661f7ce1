/** Loads the application that a reference such as `./app.ts:application` names. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Application, Handler } from "@tsgi/gateway-spec";
import { importModule } from "./import-module.ts";

/** The module or the export does not exist, or is not an application. The message names what there is. */
export class ApplicationNotFoundError extends Error {
  override readonly name = "ApplicationNotFoundError";
  readonly code = "APPLICATION_NOT_FOUND";
}

/** The exports that are tried without a name. */
const DEFAULT_EXPORTS = ["application", "default", "app"];

/** The extensions that are tried for a module that is written without one. */
const EXTENSIONS = [".ts", ".mts", ".js", ".mjs"];

/**
 * @param reference `module`, `module:export`, or `module:export.member`; the module is a file, relative to `folder`.
 * @param args for the application, which finds them in `process.argv` from index 2 on, as `parseArgs` of node:util reads it. Index 1
 * stays the command: a module that compares it with its own file must not take itself for the main module.
 * @throws ApplicationNotFoundError; or what the module throws while it is imported.
 */
export async function loadApplication(
  reference: string,
  folder: string,
  args: readonly string[],
): Promise<Application | Handler> {
  const { module, path } = splitReference(reference);
  const file = findModule(module, folder);
  process.argv.splice(2, process.argv.length, ...args);
  const exports = await importModule(file);
  const names = Object.keys(exports);
  const has = names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}`;
  const wanted = path ?? DEFAULT_EXPORTS.find((name) => exports[name] !== undefined);
  if (wanted === undefined) {
    throw new ApplicationNotFoundError(`${module} exports none of ${DEFAULT_EXPORTS.join(", ")}: ${has}`);
  }
  let value: unknown = exports;
  for (const name of wanted.split(".")) value = isObject(value) ? value[name] : undefined;
  if (value === undefined) throw new ApplicationNotFoundError(`${module} has no export "${wanted}": ${has}`);
  if (isApplication(value)) return value;
  throw new ApplicationNotFoundError(
    `"${wanted}" of ${module} is not an application: it must be a function, or an object with a fetch function`,
  );
}

function findModule(module: string, folder: string): string {
  const file = resolve(folder, module);
  const found = [file, ...EXTENSIONS.map((extension) => file + extension)].find(
    (candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile() === true,
  );
  if (found !== undefined) return found;
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new ApplicationNotFoundError(
      `${module} is a folder: name a module in it, or serve its files by --static ${module}`,
    );
  }
  const tried = EXTENSIONS.some((extension) => module.endsWith(extension))
    ? ""
    : `, nor one with the extension ${EXTENSIONS.join(", ")}`;
  throw new ApplicationNotFoundError(`There is no file ${module} in ${folder}${tried}`);
}

/** The last colon separates the export, if an identifier follows it: `C:\app.ts` is a module alone. */
function splitReference(reference: string): { readonly module: string; readonly path: string | null } {
  const match = /^(.+):([\p{ID_Start}$_][\p{ID_Continue}$.]*)$/u.exec(reference);
  return match?.[1] === undefined || match[2] === undefined
    ? { module: reference, path: null }
    : { module: match[1], path: match[2] };
}

function isApplication(value: unknown): value is Application | Handler {
  return typeof value === "function" || (isObject(value) && typeof value["fetch"] === "function");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
