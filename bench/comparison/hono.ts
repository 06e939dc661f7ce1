/** The application in Hono. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { EventEmitter, on } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { serve } from "@hono/node-server";
import { swaggerUI } from "@hono/swagger-ui";
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { zValidator } from "@hono/zod-validator";
import { bodyLimit } from "hono/body-limit";
import { deleteCookie, getSignedCookie, setSignedCookie } from "hono/cookie";
import { createMiddleware } from "hono/factory";
import { html } from "hono/html";
import { HTTPException } from "hono/http-exception";
import { streamSSE } from "hono/streaming";
import type { Context } from "hono";
import { ready } from "../servers/control.ts";

const NoteInput = z.object({
  title: z.string().min(1, "Give it a title").max(40, "At most 40 letters"),
  text: z.string().max(1000, "At most 1,000 letters"),
});
const Note = NoteInput.extend({ id: z.number().int() });
type NoteInput = z.infer<typeof NoteInput>;
type Note = z.infer<typeof Note>;

const db = new DatabaseSync(":memory:");
db.exec(readFileSync(join(import.meta.dirname, "migrations/0001-notes.sql"), "utf8"));
const latestNotes = db.prepare("SELECT id, title, text FROM note ORDER BY id DESC LIMIT ?");
const oneNote = db.prepare("SELECT id, title, text FROM note WHERE id = ?");
const insertNote = db.prepare("INSERT INTO note (title, text) VALUES (?, ?)");
const latest = (limit: number) => latestNotes.all(limit) as unknown as Note[];
const added = new EventEmitter<{ note: [Note] }>();

function addNote({ title, text }: NoteInput): Note {
  const note = { id: Number(insertNote.run(title, text).lastInsertRowid), title, text };
  added.emit("note", note);
  return note;
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
async function hashPassword(password: string) {
  const salt = randomBytes(16);
  return { salt, hash: await derive(password, salt, 32) };
}
const users = new Map([["ann", await hashPassword("correct horse")]]);
const unknown = await hashPassword("");
async function isRight(name: string, password: string): Promise<boolean> {
  const { salt, hash } = users.get(name) ?? unknown;
  return timingSafeEqual(await derive(password, salt, 32), hash) && users.has(name);
}

const MAX_FILE_BYTES = 64 * 1024;
const KEY = process.env["SESSION_KEY"] ?? "a key for development, of 32 characters or more";
const userOf = (context: Context) => getSignedCookie(context, KEY, "session", "host");

const signedIn = createMiddleware<{ Variables: { user: string } }>(async (context, next) => {
  const user = await userOf(context);
  if (!user) throw new HTTPException(401, { message: "Log in first" });
  context.set("user", user);
  await next();
});

type Content = ReturnType<typeof html>;

const page = (title: string, content: Content) => html`<!doctype html>
  <html lang="en">
    <title>${title}</title>
    <h1>${title}</h1>
    ${content}
  </html>`;

const alert = (message: string | undefined) => (message === undefined ? "" : html`<p role="alert">${message}</p>`);

const app = new OpenAPIHono();

app.get("/", async (context) => {
  const user = await userOf(context);
  return context.html(
    page(
      "Notes",
      html`<p>${user ? `Logged in as ${user}` : "Not logged in"}</p>
        <ul>
          ${latest(20).map(({ id, title, text }) => html`<li id="note-${id}"><b>${title}</b> ${text}</li>`)}
        </ul>`,
    ),
  );
});

const newPage = (values: Partial<NoteInput>, errors: { title?: string[]; text?: string[] }) =>
  page(
    "New note",
    html`<form method="post">
      <input name="title" value="${values.title ?? ""}" />${alert(errors.title?.[0])}
      <textarea name="text">${values.text ?? ""}</textarea>${alert(errors.text?.[0])}
      <button>Save</button>
    </form>`,
  );

app.get("/notes/new", (context) => context.html(newPage({}, {})));

app.post(
  "/notes/new",
  zValidator("form", NoteInput, (result, context) => {
    if (result.success) return undefined;
    const { fieldErrors } = z.flattenError(result.error);
    return context.html(newPage(result.data, fieldErrors), 422);
  }),
  (context) => {
    addNote(context.req.valid("form"));
    return context.redirect("/", 303);
  },
);

const loginPage = (name: string, error?: string) =>
  page(
    "Log in",
    html`<form method="post">
      ${alert(error)}
      <input name="name" value="${name}" /> <input name="password" type="password" />
      <button>Log in</button>
    </form>`,
  );

app.get("/login", (context) => context.html(loginPage("")));

app.post("/login", zValidator("form", z.object({ name: z.string(), password: z.string() })), async (context) => {
  const { name, password } = context.req.valid("form");
  if (!(await isRight(name, password))) return context.html(loginPage(name, "Wrong name or password"), 422);
  const options = { prefix: "host", secure: true, path: "/", httpOnly: true, sameSite: "Lax" } as const;
  await setSignedCookie(context, "session", name, KEY, options);
  return context.redirect("/", 303);
});

app.post("/logout", (context) => {
  deleteCookie(context, "session", { prefix: "host", secure: true, path: "/" });
  return context.redirect("/", 303);
});

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  content: { "application/json": { schema } },
  description,
});

app.openapi(
  createRoute({
    method: "get",
    path: "/api/notes",
    request: { query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) }) },
    responses: { 200: json(z.array(Note), "The latest notes") },
  }),
  (context) => context.json(latest(context.req.valid("query").limit), 200),
);

app.openapi(
  createRoute({
    method: "get",
    path: "/api/notes/{id}",
    request: { params: z.object({ id: z.coerce.number().int() }) },
    responses: { 200: json(Note, "The note"), 404: json(z.object({ message: z.string() }), "There is no such note") },
  }),
  (context) => {
    const note = oneNote.get(context.req.valid("param").id) as Note | undefined;
    return note === undefined ? context.json({ message: "There is no such note" }, 404) : context.json(note, 200);
  },
);

app.openapi(
  createRoute({
    method: "post",
    path: "/api/notes",
    request: { body: { content: { "application/json": { schema: NoteInput } }, required: true } },
    responses: { 201: json(Note, "The new note") },
  }),
  (context) => context.json(addNote(context.req.valid("json")), 201),
);

app.post(
  "/upload",
  signedIn,
  bodyLimit({ maxSize: MAX_FILE_BYTES + 1024 }),
  zValidator("form", z.object({ file: z.instanceof(File) })),
  (context) => {
    const { file } = context.req.valid("form");
    if (file.size > MAX_FILE_BYTES) throw new HTTPException(413, { message: "The file is too large" });
    return context.json({ name: file.name, size: file.size, user: context.get("user") }, 201);
  },
);

app.get("/events", (context) =>
  streamSSE(context, async (stream) => {
    const leaving = new AbortController();
    stream.onAbort(() => {
      leaving.abort();
    });
    try {
      for await (const [note] of on(added, "note", { signal: leaving.signal }) as AsyncIterable<[Note]>) {
        await stream.writeSSE({ event: "note", data: JSON.stringify(note) });
      }
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    }
  }),
);

app.doc("/openapi.json", { openapi: "3.0.0", info: { title: "Notes", version: "1.0.0" } });
app.get("/docs", swaggerUI({ url: "/openapi.json" }));

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => ready(port));
