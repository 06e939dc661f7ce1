/** The entry file: `tsgi 7788 ./src/main.ts:application`. DATABASE_URL names the database; the default is a SQLite file. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { App } from "@tsgi/framework";
import { openDatabase } from "@tsgi/framework/database";
import { staticFiles } from "@tsgi/server/static-files";
import { createApplication } from "./application.ts";

const given = process.env["DATABASE_URL"] ?? "";
const database = await openDatabase(given === "" ? embeddedDatabase() : given);
const assets = staticFiles(new URL("../static/", import.meta.url));

export const application: App<void> = createApplication(database, assets);

/** A file, so that the rows survive a restart. `--watch` ignores folders that begin with a dot. */
function embeddedDatabase(): string {
  const folder = fileURLToPath(new URL("../.tsgi/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  return `sqlite:${folder}stock.db`;
}
