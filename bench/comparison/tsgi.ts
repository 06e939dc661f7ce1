/** The application in @tsgi/framework. */
import { App, html, HttpError, type BareContext, type Html } from "@tsgi/framework";
import { openDatabase, type Database } from "@tsgi/framework/database";
import { formPage } from "@tsgi/framework/forms";
import { migrate } from "@tsgi/framework/migrations";
import { docs } from "@tsgi/framework/openapi";
import { hashPassword, verifyPassword } from "@tsgi/framework/security";
import { sessions } from "@tsgi/framework/sessions";
import { events, follow, localTopics } from "@tsgi/framework/streams";
import { upload } from "@tsgi/framework/uploads";
import { serve } from "@tsgi/server/socket";
import { z } from "zod";
import { ready } from "../servers/control.ts";

const NoteInput = z.object({
  title: z.string().min(1, "Give it a title").max(40, "At most 40 letters"),
  text: z.string().max(1000, "At most 1,000 letters"),
});
const Note = NoteInput.extend({ id: z.number() });
type NoteInput = z.infer<typeof NoteInput>;
type Note = z.infer<typeof Note>;

interface State {
  readonly db: Database;
}

const app = new App<State>({
  startup: async () => {
    const db = await openDatabase("sqlite::memory:");
    await migrate(db, new URL("./migrations/", import.meta.url));
    return { db };
  },
  shutdown: ({ db }) => db.close(),
});
const users = new Map([["ann", await hashPassword("correct horse")]]);
const topics = localTopics();
const session = sessions({
  keys: [process.env["SESSION_KEY"] ?? "a key for development, of 32 characters or more"],
  data: z.object({ name: z.string() }),
});

async function user(context: BareContext): Promise<string> {
  const { data } = await context.need(session);
  if (data === null) throw new HttpError(401, "LOGIN_REQUIRED", "Log in first");
  return data.name;
}

async function addNote(db: Database, { title, text }: NoteInput): Promise<Note> {
  const { insertId } = await db.execute("INSERT INTO note (title, text) VALUES (?, ?)", [title, text]);
  const note = { id: insertId, title, text };
  await topics.publish("notes", JSON.stringify(note));
  return note;
}

function page(title: string, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <title>${title}</title>
      <h1>${title}</h1>
      ${content}
    </html>`;
}

function alert(message: string | undefined): Html | null {
  return message === undefined ? null : html`<p role="alert">${message}</p>`;
}

app.get("/", { needs: { session } }, async ({ exchange, session }) => {
  const notes = await exchange.state.db.query("SELECT id, title, text FROM note ORDER BY id DESC LIMIT 20", [], Note);
  return page(
    "Notes",
    html`<p>${session.data === null ? "Not logged in" : `Logged in as ${session.data.name}`}</p>
      <ul>
        ${notes.map(({ id, title, text }) => html`<li id="note-${id}"><b>${title}</b> ${text}</li>`)}
      </ul>`,
  );
});

formPage(app, "/notes/new", {
  form: NoteInput,
  show: ({ form: { values, errors } }) =>
    page(
      "New note",
      html`<form method="post">
        <input name="title" value="${values.title ?? ""}" />${alert(errors.title)}
        <textarea name="text">${values.text ?? ""}</textarea>${alert(errors.text)}
        <button>Save</button>
      </form>`,
    ),
  submit: async ({ exchange, form, redirect }) => {
    await addNote(exchange.state.db, form);
    return redirect("/");
  },
});

formPage(app, "/login", {
  needs: { session },
  form: { name: z.string(), password: z.string() },
  show: ({ form: { values, errors } }) =>
    page(
      "Log in",
      html`<form method="post">
        ${alert(errors.form)}
        <input name="name" value="${values.name ?? ""}" /> <input name="password" type="password" />
        <button>Log in</button>
      </form>`,
    ),
  submit: async ({ form, session, invalid, redirect }) => {
    const isRight = await verifyPassword(form.password, users.get(form.name) ?? null);
    if (!isRight) invalid({ form: "Wrong name or password" });
    session.start({ name: form.name });
    return redirect("/");
  },
});

app.post("/logout", { needs: { session } }, ({ session, redirect }) => {
  session.end();
  return redirect("/");
});

app.get(
  "/api/notes",
  { query: { limit: z.coerce.number().int().min(1).max(100).default(20) }, response: z.array(Note) },
  ({ exchange, query }) =>
    exchange.state.db.query("SELECT id, title, text FROM note ORDER BY id DESC LIMIT ?", [query.limit], Note),
);

app.get("/api/notes/:id<int>", { response: Note }, async ({ exchange, params }) => {
  const [note] = await exchange.state.db.query("SELECT id, title, text FROM note WHERE id = ?", [params.id], Note);
  if (note === undefined) throw new HttpError(404, "NOTE_UNKNOWN", "There is no such note");
  return note;
});

app.post("/api/notes", { json: NoteInput, response: Note, status: 201 }, ({ exchange, json }) =>
  addNote(exchange.state.db, json),
);

app.post(
  "/upload",
  { needs: { user, file: upload("file", { maxFileBytes: 64 * 1024 }) }, status: 201 },
  ({ file, user }) => ({ name: file.filename, size: file.size, user }),
);

app.get("/events", (context) =>
  events(context, async function* (_lastId, signal) {
    for await (const note of follow(topics, "notes", { signal })) yield { event: "note", data: note };
  }),
);

docs(app, { title: "Notes", version: "1.0.0" });

const server = await serve(app, { port: 0 });
ready(Number(new URL(server.url).port));
