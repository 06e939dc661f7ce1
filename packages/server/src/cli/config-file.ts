/** Reads the configuration file, whose default export is an object of options. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type ConfigSource, UsageError } from "../config.ts";
import { importModule } from "./import-module.ts";

const DEFAULT_NAMES = ["tsgi.config.ts", "tsgi.config.js", "tsgi.config.mjs", "tsgi.config.json"];

/** The files that may be read: a new one among them counts from the next start. */
export function configFiles(name: string | undefined, folder: string): readonly string[] {
  return (name === undefined ? DEFAULT_NAMES : [name]).map((usual) => resolve(folder, usual));
}

/**
 * @param name of `--config`; without one, the first default name that exists.
 * @throws UsageError if the file does not exist or holds no object; or what the module throws.
 */
export async function readConfigFile(name: string | undefined, folder: string): Promise<ConfigSource | null> {
  const found = name ?? DEFAULT_NAMES.find((usual) => existsSync(resolve(folder, usual)));
  if (found === undefined) return null;
  const file = resolve(folder, found);
  if (!existsSync(file)) throw new UsageError(`--config: there is no file ${found}`);
  const values = file.endsWith(".json")
    ? parseJson(await readFile(file, "utf8"), found)
    : (await importModule(file))["default"];
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new UsageError(
      `${found} must ${file.endsWith(".json") ? "be" : "have as its default export"} an object of options`,
    );
  }
  return { place: "config file", values: { ...values }, describe: (option) => `${option} in ${basename(file)}` };
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
