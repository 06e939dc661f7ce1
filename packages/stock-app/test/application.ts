/** The application as the tests create it: no files, a fixed key, and warnings that go nowhere unless a test asks for them. */
import type { App } from "@tsgi/framework";
import type { Database } from "@tsgi/framework/database";
import { createApplication, type StockAppOptions } from "../src/application.ts";

export function createTestApplication(database: Database, options: Partial<StockAppOptions> = {}): App<void> {
  return createApplication(database, {
    assets: () => ({ status: 404 }),
    sessionKeys: ["0123456789abcdef0123456789abcdef"],
    warn: () => undefined,
    ...options,
  });
}
