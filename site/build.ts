/** `pnpm docs:build` builds the site into site/dist. `pnpm docs:dev` serves it, and shows a page again when its file changes. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, createServer } from "vitepress";
import { GENERATED, ROOT } from "./lib/pages.ts";
import { writePrograms } from "./lib/programs.ts";
import { writeReference } from "./lib/reference.ts";

const { dev, out } = parseArgs({
  options: {
    dev: { type: "boolean", default: false },
    out: { type: "string", default: join(import.meta.dirname, "dist") },
  },
}).values;

const folder = join(ROOT, GENERATED);
await rm(folder, { recursive: true, force: true });
await writePrograms(folder);
await writeReference(join(folder, "reference"));
if (dev) {
  const server = await createServer(import.meta.dirname);
  await server.listen();
  server.printUrls();
} else {
  await build(import.meta.dirname, { outDir: out });
}
