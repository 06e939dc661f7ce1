/** Bundles the script of the pages, with the typed client, into one file for browsers. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/** @param target is written only where it changes: under `--watch`, pages reload when it does. */
export function bundleScript(target: URL): void {
  const {
    outputFiles: [output],
  } = buildSync({
    entryPoints: [fileURLToPath(new URL("../browser/app.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    write: false,
  });
  const text = output?.text ?? "";
  if (!existsSync(target) || readFileSync(target, "utf8") !== text) writeFileSync(target, text);
}
