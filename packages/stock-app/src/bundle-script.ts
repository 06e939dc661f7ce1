/** Bundles the script of the pages, with the typed client, into one file for browsers. */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/**
 * @param target is written only where it changes: under `--watch`, pages reload when it does. It is replaced as a whole, because other
 * processes of the application may read it at the same time.
 */
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
  if (existsSync(target) && readFileSync(target, "utf8") === text) return;
  const draft = new URL(`.${randomUUID()}.js`, target);
  writeFileSync(draft, text);
  renameSync(draft, target);
}
