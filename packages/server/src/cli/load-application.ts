/** From `./app.ts:application` to the application. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Application, Handler } from "@tsgi/gateway-spec";
import { importModule } from "./import-module.ts";

/** The module, or the export in it, is not there or is no application. The message names what there is. */
export class ApplicationNotFoundError extends Error {
  override readonly name = "ApplicationNotFoundError";
  readonly code = "APPLICATION_NOT_FOUND";
}

/** The exports that are tried where none was named. */
const USUAL_EXPORTS = ["application", "default", "app"];

/**
 * @param reference `module`, `module:export`, or `module:export.member`; the module is a file, relative to `folder`.
 * @throws ApplicationNotFoundError; or what the module throws while it is imported.
 */
export async function loadApplication(reference: string, folder: string): Promise<Application | Handler> {
  const { module, path } = splitReference(reference);
  const file = resolve(folder, module);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new ApplicationNotFoundError(`There is no file ${module} in ${folder}`);
  }
  const exports = await importModule(file);
  const names = Object.keys(exports);
  const has = names.length === 0 ? "it exports nothing" : `it exports ${names.join(", ")}`;
  const wanted = path ?? USUAL_EXPORTS.find((name) => exports[name] !== undefined);
  if (wanted === undefined) {
    throw new ApplicationNotFoundError(`${module} exports none of ${USUAL_EXPORTS.join(", ")}: ${has}`);
  }
  let value: unknown = exports;
  for (const name of wanted.split(".")) value = isObject(value) ? value[name] : undefined;
  if (value === undefined) throw new ApplicationNotFoundError(`${module} has no export "${wanted}": ${has}`);
  if (isApplication(value)) return value;
  throw new ApplicationNotFoundError(
    `"${wanted}" of ${module} is no application: it must be a function, or an object with a fetch function`,
  );
}

/** The last colon separates, where an identifier follows it: `C:\app.ts` is a module alone. */
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
