/** The compared applications behave alike: one test for all. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "../lib/server-process.ts";
import { findMistakes, MISTAKES } from "./mistakes.ts";
import { SUBJECTS } from "./subjects.ts";

describe.each(SUBJECTS)("$name", ({ command }) => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start(command, null);
  });
  afterAll(() => server.stop());

  const send = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { redirect: "manual", ...init });
  const sendForm = (path: string, fields: Record<string, string>, cookie = "") =>
    send(path, { method: "POST", body: new URLSearchParams(fields), headers: { cookie } });
  const sendJson = (path: string, data: unknown) =>
    send(path, { method: "POST", body: JSON.stringify(data), headers: { "content-type": "application/json" } });

  async function logIn(): Promise<string> {
    const response = await sendForm("/login", { name: "ann", password: "correct horse" });
    expect(response.status).toBe(303);
    return cookieOf(response);
  }

  test("shows the latest notes of the database as an escaped page", async () => {
    const response = await send("/");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    const page = await response.text();
    expect(page.match(/<li id="note-\d+">/g)).toHaveLength(20);
    expect(page).toContain("<b>Note 50</b> The &lt;b&gt;text&lt;/b&gt; of note 50");
    expect(page).toContain("Not logged in");
  });

  test("shows a form with mistakes again, with what was typed", async () => {
    expect(await (await send("/notes/new")).text()).toContain('<input name="title" value=""');
    const response = await sendForm("/notes/new", { title: "", text: "I typed <this>" });
    expect(response.status).toBe(422);
    const page = await response.text();
    expect(page).toContain("I typed &lt;this&gt;</textarea>");
    expect(page.match(/role="alert"/g)).toHaveLength(1);
  });

  test("saves a valid form and redirects to the page", async () => {
    const response = await sendForm("/notes/new", { title: "By form", text: "" });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/");
    expect(await (await send("/")).text()).toContain("<b>By form</b>");
  });

  test("gives notes as JSON, and checks the query and the path", async () => {
    expect(await (await send("/api/notes/7")).json()).toEqual({
      id: 7,
      title: "Note 7",
      text: "The <b>text</b> of note 7",
    });
    expect((await send("/api/notes/9999")).status).toBe(404);
    expect([400, 404, 422]).toContain((await send("/api/notes/x")).status);
    expect(await (await send("/api/notes?limit=3")).json()).toHaveLength(3);
    expect([400, 422]).toContain((await send("/api/notes?limit=0")).status);
  });

  test("adds a note from JSON, and names the field that is wrong", async () => {
    const response = await sendJson("/api/notes", { title: "By JSON", text: "x" });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ title: "By JSON", text: "x" });
    const refused = await sendJson("/api/notes", { title: "x".repeat(41), text: "x" });
    expect([400, 422]).toContain(refused.status);
    expect(await refused.text()).toContain("title");
  });

  test("documents the API", async () => {
    const document = (await (await send("/openapi.json")).json()) as {
      readonly openapi: string;
      readonly paths: Readonly<Record<string, object>>;
    };
    expect(document.openapi).toMatch(/^3\./);
    expect(Object.keys(document.paths).toSorted()).toEqual(["/api/notes", "/api/notes/{id}"]);
    expect(document.paths["/api/notes"]).toHaveProperty("post");
    expect(JSON.stringify(document)).toContain('"maxLength":40');
    expect((await send("/docs", { redirect: "follow" })).status).toBe(200);
  });

  test("logs a user in and out by a session", async () => {
    const refused = await sendForm("/login", { name: "ann", password: "wrong" });
    expect(refused.status).toBe(422);
    expect(await refused.text()).toMatch(/Wrong name or password[^]*value="ann"/);
    const cookie = await logIn();
    expect(await (await send("/", { headers: { cookie } })).text()).toContain("Logged in as ann");
    const forged = cookie.replace(/=..../, "=AAAA");
    expect(await (await send("/", { headers: { cookie: forged } })).text()).toContain("Not logged in");
    const loggedOut = await sendForm("/logout", {}, cookie);
    expect(loggedOut.status).toBe(303);
    expect(loggedOut.headers.get("set-cookie")).toMatch(/session=/);
  });

  test("takes a file of a logged-in user, and no more than 64 KiB", async () => {
    const cookie = await logIn();
    const upload = (bytes: number, headers = { cookie }) => {
      const body = new FormData();
      body.set("file", new File(["x".repeat(bytes)], "notes.txt", { type: "text/plain" }));
      return send("/upload", { method: "POST", body, headers });
    };
    expect((await upload(10, { cookie: "" })).status).toBe(401);
    const saved = await upload(64 * 1024);
    expect(saved.status).toBe(201);
    expect(await saved.json()).toEqual({ name: "notes.txt", size: 65_536, user: "ann" });
    expect((await upload(64 * 1024 + 1)).status).toBe(413);
  });

  test("sends a new note to those who listen", async () => {
    const leaving = new AbortController();
    const response = await send("/events", { signal: leaving.signal });
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const events = read(response);
    const { id } = (await (await sendJson("/api/notes", { title: "Live", text: "x" })).json()) as { id: number };
    const { value } = await events.next();
    expect(value).toContain("event: note\n");
    expect(JSON.parse(/^data: (.*)$/m.exec(value ?? "")?.[1] ?? "")).toEqual({ id, title: "Live", text: "x" });
    leaving.abort();
  });
});

test("the compiler finds every usual mistake in the application of this repository, and some in the others", async () => {
  const found = await findMistakes();
  expect(found.get("tsgi")).toEqual(MISTAKES.map(({ title }) => title));
  expect(found.get("fastify")).not.toHaveLength(0);
  expect(found.get("hono")).not.toHaveLength(0);
}, 120_000);

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

async function* read({ body }: Response): AsyncGenerator<string, void, undefined> {
  let text = "";
  for await (const bytes of body ?? []) {
    text += new TextDecoder().decode(bytes as Uint8Array);
    if (text.includes("\n\n")) yield text;
  }
}
