/** A client for tests. It calls the application in this process, without a server, on an empty database. */
import type { TestContext } from "node:test";
import { openDatabase } from "@tsgi/framework/database";
import { type Client, testClient } from "@tsgi/framework/testing";
import { createApp } from "../src/app.ts";
import { setting } from "../src/settings.ts";

/** The end of the test closes the client, and the database with it. */
export async function createClient(context: TestContext): Promise<Client> {
  const database = await openDatabase(setting("TEST_DATABASE_URL"));
  const client = await testClient(createApp(database));
  context.after(() => client.close());
  await database.execute("DELETE FROM note");
  return client;
}
