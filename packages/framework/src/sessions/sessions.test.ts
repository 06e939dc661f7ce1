import { createTestClient } from "@tsgi/gateway-spec/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { App } from "../app.ts";
import type { Database } from "../database/types.ts";
import { openSqlite } from "../database/sqlite.ts";
import { testClient, type Client } from "../testing/index.ts";
import { databaseSessions, SESSION_TABLE, sessions, type SessionOptions, type SessionStore } from "./index.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const Data = z.object({ userId: z.number() });
type Options = Partial<SessionOptions<typeof Data>>;

function site(options: Options = {}): App {
  const app = new App();
  const needs = { session: sessions({ keys: [KEY], data: Data, ...options }) };
  app.get("/", { needs }, ({ session }) => ({ data: session.data, flashes: session.takeFlashes() }));
  app.get("/peek", { needs }, ({ session }) => ({ data: session.data }));
  app.post("/login/:id<int>", { needs }, ({ session, params, redirect }) => {
    session.start({ userId: params.id });
    session.flash(`hello ${params.id}`);
    return redirect("/");
  });
  app.post("/switch/:id<int>", { needs }, ({ session, params }) => {
    session.set({ userId: params.id });
    return null;
  });
  app.post("/logout", { needs }, ({ session }) => {
    session.end();
    session.flash("bye");
    return null;
  });
  app.get("/other", () => "no session here");
  return app;
}

async function state(client: Client): Promise<unknown> {
  return (await client.get("/")).json();
}

let database: Database;
beforeAll(async () => {
  database = openSqlite("sqlite::memory:");
  await database.execute(SESSION_TABLE);
});
afterAll(() => database.close());

describe.each([
  ["in the cookie", (): SessionStore | undefined => undefined],
  ["in the database", (): SessionStore | undefined => databaseSessions(database)],
])("sessions %s", (_where, createStore) => {
  const store = () => {
    const created = createStore();
    return created === undefined ? {} : { store: created };
  };

  test("start, survive requests, change and end", async () => {
    await using client = await testClient(site(store()));
    expect(await state(client)).toEqual({ data: null, flashes: [] });
    await client.post("/login/7");
    expect(await state(client)).toEqual({ data: { userId: 7 }, flashes: ["hello 7"] });
    expect(await state(client)).toEqual({ data: { userId: 7 }, flashes: [] });
    await client.post("/switch/8");
    expect(await state(client)).toEqual({ data: { userId: 8 }, flashes: [] });
    await client.post("/logout");
    expect(await state(client)).toEqual({ data: null, flashes: ["bye"] });
    expect(client.cookies.get("__Host-session")).toBeUndefined();
  });

  test("a flash message waits for a request that takes it", async () => {
    await using client = await testClient(site(store()));
    await client.post("/login/7");
    await client.get("/peek");
    expect(await state(client)).toMatchObject({ flashes: ["hello 7"] });
  });

  test("the cookie is HttpOnly, Secure, SameSite=Lax and __Host-, and the response private", async () => {
    await using client = await testClient(site(store()));
    const { headers } = await client.post("/login/7");
    expect(headers.get("set-cookie")).toMatch(
      /^__Host-session=[\w-]+; Max-Age=1209600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(headers.get("cache-control")).toBe("private, no-cache");
  });

  test("no shared cache may store a page that reads a session, whether or not there is one", async () => {
    await using client = await testClient(site(store()));
    expect((await client.get("/peek")).headers.get("cache-control")).toBe("private, no-cache");
    await client.post("/login/7");
    expect((await client.get("/peek")).headers.get("cache-control")).toBe("private, no-cache");
    expect((await client.get("/other")).headers.has("cache-control")).toBe(false);
  });

  test("a request that changes nothing sets no cookie", async () => {
    await using client = await testClient(site(store()));
    await client.post("/login/7");
    await client.get("/");
    expect((await client.get("/peek")).headers.has("set-cookie")).toBe(false);
    expect((await client.get("/other")).headers.has("set-cookie")).toBe(false);
  });

  test("a login replaces the id or value that the cookie had before", async () => {
    await using client = await testClient(site(store()));
    await client.post("/login/7");
    const before = client.cookies.get("__Host-session") ?? "";
    await client.post("/login/8");
    expect(client.cookies.get("__Host-session")).not.toBe(before);
  });

  test.each(["", "nonsense", "a".repeat(200)])("the foreign cookie %j is no session", async (value) => {
    await using client = await testClient(site(store()));
    client.cookies.set("__Host-session", value);
    expect(await state(client)).toEqual({ data: null, flashes: [] });
  });

  test("a session ends with its time, and a request renews it", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      await using client = await testClient(site({ ...store(), maxAgeSeconds: 100 }));
      await client.post("/login/7");
      vi.setSystemTime(Date.now() + 60_000);
      expect((await client.get("/peek")).json()).toEqual({ data: { userId: 7 } });
      vi.setSystemTime(Date.now() + 60_000);
      expect((await client.get("/peek")).json()).toEqual({ data: { userId: 7 } });
      const cookie = client.cookies.get("__Host-session") ?? "";
      vi.setSystemTime(Date.now() + 101_000);
      client.cookies.set("__Host-session", cookie);
      expect((await client.get("/peek")).json()).toEqual({ data: null });
    } finally {
      vi.useRealTimers();
    }
  });

  test("stored data that does not fit the schema any more is no session", async () => {
    const shared = store();
    await using old = await testClient(site(shared));
    await old.post("/login/7");
    const app = new App();
    const needs = { session: sessions({ keys: [KEY], data: z.object({ name: z.string() }), ...shared }) };
    app.get("/", { needs }, ({ session }) => ({ data: session.data }));
    await using client = await testClient(app);
    client.cookies.set("__Host-session", old.cookies.get("__Host-session") ?? "");
    expect((await client.get("/")).json()).toEqual({ data: null });
  });

  test("a rotated key still opens sessions of the old one", async () => {
    const shared = store();
    await using old = await testClient(site(shared));
    await old.post("/login/7");
    await using client = await testClient(site({ ...shared, keys: ["fedcba9876543210fedcba9876543210", KEY] }));
    client.cookies.set("__Host-session", old.cookies.get("__Host-session") ?? "");
    expect(await state(client)).toMatchObject({ data: { userId: 7 } });
  });
});

test("the cookie does not show the data", async () => {
  await using client = await testClient(site());
  await client.post("/login/7");
  const value = Buffer.from(client.cookies.get("__Host-session") ?? "", "base64url").toString("latin1");
  expect(value).not.toContain("userId");
});

test("ending a session in the database ends it for a copied cookie too", async () => {
  await using client = await testClient(site({ store: databaseSessions(database) }));
  await client.post("/login/7");
  const copied = client.cookies.get("__Host-session") ?? "";
  await client.post("/logout");
  client.cookies.set("__Host-session", copied);
  expect((await client.get("/peek")).json()).toEqual({ data: null });
});

test("a request that runs while its session is ended in the database does not start it again", async () => {
  const app = site({ store: databaseSessions(database) });
  const needs = { session: sessions({ keys: [KEY], data: Data, store: databaseSessions(database) }) };
  const [entered, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  app.post("/slow", { needs }, async ({ session }) => {
    entered.resolve();
    await released.promise;
    session.set({ userId: 9 });
    session.flash("still here");
    return null;
  });
  await using client = await testClient(app);
  await client.post("/login/7");
  const copied = client.cookies.get("__Host-session") ?? "";
  const slow = client.post("/slow");
  await entered.promise;
  await client.post("/logout");
  released.resolve();
  expect((await slow).headers.has("set-cookie")).toBe(false);
  expect(await state(client)).toEqual({ data: null, flashes: ["hello 7", "bye"] });
  client.cookies.set("__Host-session", copied);
  expect(await state(client)).toEqual({ data: null, flashes: [] });
});

test("the database holds no id that a cookie carries, and sweep() removes what has expired", async () => {
  const store = databaseSessions(database);
  await store.write("a".repeat(64), "{}", Date.now() - 1);
  expect(await store.read("a".repeat(64))).toBeNull();
  expect(await store.sweep()).toBe(1);
  expect(await store.sweep()).toBe(0);
});

test("a session without HTTPS has a name without a prefix", async () => {
  await using client = await testClient(site({ secure: false, name: "sid" }));
  expect((await client.post("/login/7")).headers.get("set-cookie")).toMatch(
    /^sid=[^;]+; Max-Age=1209600; Path=\/; HttpOnly; SameSite=Lax$/,
  );
});

test("data that is too long for a cookie is an error that says what to do", async () => {
  const errors: unknown[] = [];
  const app = new App({ logger: { error: (_message, error) => void errors.push(error) } });
  const needs = { session: sessions({ keys: [KEY], data: z.object({ text: z.string() }) }) };
  app.post("/", { needs }, ({ session }) => {
    session.start({ text: "x".repeat(4000) });
    return null;
  });
  await using client = await createTestClient(app);
  expect((await client.request("/", { method: "POST" })).status).toBe(500);
  expect(String(errors[0])).toMatch(/keep an id in the session instead of the data, or give sessions\(\) a store/);
});

test("data that the schema does not read back from JSON is an error that says what to do", async () => {
  const errors: unknown[] = [];
  const app = new App({ logger: { error: (_message, error) => void errors.push(error) } });
  const plain = sessions({ keys: [KEY], data: z.object({ since: z.date() }) });
  const coerced = sessions({ keys: [KEY], data: z.object({ since: z.coerce.date() }) });
  app.post("/plain", { needs: { session: plain } }, ({ session }) => {
    session.start({ since: new Date(0) });
    return null;
  });
  app.post("/coerced", { needs: { session: coerced } }, ({ session }) => {
    session.start({ since: new Date(0) });
    return null;
  });
  app.get("/", { needs: { session: coerced } }, ({ session }) => String(session.data?.since.getTime()));
  await using client = await testClient(app);
  expect((await client.post("/plain")).status).toBe(500);
  expect(String(errors[0])).toMatch(
    /once it is JSON \("since": .*\): keep strings, numbers and booleans, or read the text/,
  );
  expect((await client.post("/coerced")).status).toBe(204);
  expect((await client.get("/")).text()).toBe("0");
});

test("set() without a session is a TypeError", async () => {
  const errors: unknown[] = [];
  const app = new App({ logger: { error: (_message, error) => void errors.push(error) } });
  const needs = { session: sessions({ keys: [KEY], data: Data }) };
  app.post("/", { needs }, ({ session }) => {
    session.set({ userId: 1 });
    return null;
  });
  await using client = await createTestClient(app);
  expect((await client.request("/", { method: "POST" })).status).toBe(500);
  expect(String(errors[0])).toContain("call start() first");
});
