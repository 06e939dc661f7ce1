/** The entry file: `tsgi 7788 ./src/main.ts:application`. Which database is in DATABASE_URL; without one it is a file. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { App } from "@tsgi/framework";
import { openDatabase } from "@tsgi/framework/database";
import { staticFiles } from "@tsgi/server/static-files";
import { createApplication } from "./application.ts";

const given = process.env["DATABASE_URL"] ?? "";
const database = await openDatabase(given === "" ? embeddedDatabase() : given);
const assets = staticFiles(new URL("../static/", import.meta.url), { prefix: "/static/" });

export const application: App<void> = createApplication(database, assets);

/** A file keeps its rows when a change restarts the server, and the folder's dot keeps it from being taken for a change. */
function embeddedDatabase(): string {
  const folder = fileURLToPath(new URL("../.tsgi/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  return `sqlite:${folder}stock.db`;
}
