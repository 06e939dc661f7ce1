/**
 * The entry file: `tsgi 7788 ./src/main.ts:application`. DATABASE_URL names the database; the default is a SQLite file. SESSION_KEY
 * encrypts the session cookies; the default is a random key in a file beside it. REDIS_URL names a Redis server, by which open pages
 * follow changes of other machines at once.
 */
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { App } from "@tsgi/framework";
import { openDatabase } from "@tsgi/framework/database";
import { type Topics, workerTopics } from "@tsgi/framework/streams";
import { staticFiles } from "@tsgi/server/static-files";
import { createApplication } from "./application.ts";
import { bundleScript } from "./bundle-script.ts";

/** Survives a restart. `--watch` ignores folders that begin with a dot. */
const folder = fileURLToPath(new URL("../.tsgi/", import.meta.url));

const database = await openDatabase(process.env["DATABASE_URL"] || embeddedDatabase());
const files = new URL("../static/", import.meta.url);
bundleScript(new URL("app.js", files));

export const application: App<void> = createApplication(database, {
  assets: staticFiles(files),
  sessionKeys: [process.env["SESSION_KEY"] || ownSessionKey()],
  topics: await openTopics(process.env["REDIS_URL"]),
});

async function openTopics(redisUrl: string | undefined): Promise<Topics> {
  if (redisUrl === undefined || redisUrl === "") return workerTopics();
  const { redisTopics } = await import("@tsgi/framework/redis");
  return redisTopics(redisUrl);
}

function embeddedDatabase(): string {
  mkdirSync(folder, { recursive: true });
  return `sqlite:${folder}stock.db`;
}

/** One key for all processes, and for the next start. Only this user may read it. */
function ownSessionKey(): string {
  mkdirSync(folder, { recursive: true });
  const file = `${folder}session.key`;
  if (!existsSync(file)) {
    // A link appears with its content, and fails where another process was first.
    const own = `${file}.${process.pid}`;
    writeFileSync(own, randomBytes(32).toString("hex"), { mode: 0o600 });
    try {
      linkSync(own, file);
    } catch (error) {
      if (!existsSync(file)) throw error;
    } finally {
      unlinkSync(own);
    }
  }
  return readFileSync(file, "utf8");
}
