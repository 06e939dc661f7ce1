import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "./client.ts";

test("a note that was added can be listed, shown and removed", async (context) => {
  const client = await createClient(context);
  const added = await client.post("/api/notes", { json: { text: " Milk " } });
  assert.equal(added.status, 201);
  const note = added.json();
  const path = added.headers.get("location") ?? "";

  assert.deepEqual((await client.get("/api/notes")).json(), [note]);
  assert.deepEqual((await client.get(path)).json(), note);

  assert.equal((await client.delete(path)).status, 204);
  assert.equal((await client.get(path)).status, 404);
});

test("an invalid note is refused with the field and the reason", async (context) => {
  const client = await createClient(context);
  const response = await client.post("/api/notes", { json: { text: "" } });
  assert.equal(response.status, 422);
  assert.match(response.text(), /"field":"text","message":"Write something"/);
});

test("the OpenAPI document describes the routes", async (context) => {
  const client = await createClient(context);
  const { paths } = (await client.get("/openapi.json")).json() as { readonly paths: object };
  assert.deepEqual(Object.keys(paths), ["/api/notes", "/api/notes/{id}"]);
});
