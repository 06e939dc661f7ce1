import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "./client.ts";

test("/health reports that the database is up", async (context) => {
  const client = await createClient(context);
  const response = await client.get("/health");
  assert.equal(response.status, 200);
  assert.deepEqual(response.json(), { database: "up" });
});
