/** The configuration file: `tsgi.config.ts`, `.js` or `.json`, whose default export is a record of options. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type ConfigSource, UsageError } from "../config.ts";
import { importModule } from "./import-module.ts";

const USUAL_NAMES = ["tsgi.config.ts", "tsgi.config.js", "tsgi.config.json"];

/**
 * @param name of `--config`, or `null` to take one of the usual names where there is one.
 * @throws UsageError where there is no such file or it holds no record; or what the module throws.
 */
export async function readConfigFile(name: string | null, folder: string): Promise<ConfigSource | null> {
  const found = name ?? USUAL_NAMES.find((usual) => existsSync(resolve(folder, usual)));
  if (found === undefined) return null;
  const file = resolve(folder, found);
  if (!existsSync(file)) throw new UsageError(`--config: there is no file ${found}`);
  const values = file.endsWith(".json")
    ? parseJson(await readFile(file, "utf8"), found)
    : (await importModule(file))["default"];
  if (typeof values !== "object" || values === null) throw new UsageError(`${found} must hold a record of options`);
  return { values: { ...values }, describe: (option) => `${option} in ${basename(file)}` };
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
