import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "./client.ts";

const headers = { accept: "text/html" };

test("the form adds a note, and the page shows it as text", async (context) => {
  const client = await createClient(context);
  assert.match((await client.get("/")).text(), /There are no notes yet/);

  const page = await client.post("/", { form: { text: "<b>Milk</b>" }, maxRedirects: 1 });
  assert.equal(page.status, 200);
  assert.match(page.text(), /<p>&lt;b&gt;Milk&lt;\/b&gt;<\/p>/);
});

test("a note that is too long comes back with the reason and with what was typed", async (context) => {
  const client = await createClient(context);
  const page = await client.post("/", { form: { text: "x".repeat(201) } });
  assert.equal(page.status, 422);
  assert.match(page.text(), /At most 200 characters/);
  assert.match(page.text(), /value="x{201}"/);
});

test("the button beside a note removes it", async (context) => {
  const client = await createClient(context);
  const page = await client.post("/", { form: { text: "Milk" }, maxRedirects: 1 });
  const [, path = ""] = /action="([^"]+\/remove)"/.exec(page.text()) ?? [];

  const after = await client.post(path, { maxRedirects: 1 });
  assert.match(after.text(), /There are no notes yet/);
});

test("an unknown path is a page for browsers", async (context) => {
  const client = await createClient(context);
  const page = await client.get("/nowhere", { headers });
  assert.equal(page.status, 404);
  assert.match(page.text(), /There is no such page/);
});
