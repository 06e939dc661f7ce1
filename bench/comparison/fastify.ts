/** The application in fastify. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { EventEmitter, on } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import formbody from "@fastify/formbody";
import multipart from "@fastify/multipart";
import secureSession from "@fastify/secure-session";
import { fastifySSE, type SSEMessage } from "@fastify/sse";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { type TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import view from "@fastify/view";
import { Eta } from "eta";
import { fastify, type FastifyReply, type FastifyRequest, type FastifySchemaValidationError } from "fastify";
import { type Static, Type } from "typebox";
import { portOf, ready } from "../servers/control.ts";

declare module "@fastify/secure-session" {
  interface SessionData {
    name: string;
  }
}

const NoteInput = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 40 }),
  text: Type.String({ maxLength: 1000 }),
});
const Note = Type.Object({ id: Type.Integer(), ...NoteInput.properties });
const Failure = Type.Object({ statusCode: Type.Integer(), error: Type.String(), message: Type.String() });
type NoteInput = Static<typeof NoteInput>;
type Note = Static<typeof Note>;

const db = new DatabaseSync(":memory:");
db.exec(readFileSync(join(import.meta.dirname, "migrations/0001-notes.sql"), "utf8"));
const latest = db.prepare("SELECT id, title, text FROM note ORDER BY id DESC LIMIT ?");
const one = db.prepare("SELECT id, title, text FROM note WHERE id = ?");
const insert = db.prepare("INSERT INTO note (title, text) VALUES (?, ?)");
const added = new EventEmitter<{ note: [Note] }>();

function addNote({ title, text }: NoteInput): Note {
  const note = { id: Number(insert.run(title, text).lastInsertRowid), title, text };
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

const app = fastify().withTypeProvider<TypeBoxTypeProvider>();
await app.register(formbody);
await app.register(multipart, { limits: { fileSize: 64 * 1024, files: 1 } });
await app.register(secureSession, {
  secret: process.env["SESSION_KEY"] ?? "a key for development, of 32 characters or more",
  salt: "comparison-notes",
  cookie: { path: "/", httpOnly: true, secure: true, sameSite: "lax" },
});
await app.register(view, {
  engine: { eta: new Eta({ views: join(import.meta.dirname, "views/fastify") }) },
  root: join(import.meta.dirname, "views/fastify"),
  layout: "layout",
  viewExt: "eta",
  production: true,
});
await app.register(fastifySSE);
await app.register(swagger, { openapi: { info: { title: "Notes", version: "1.0.0" } } });
await app.register(swaggerUi, { routePrefix: "/docs" });

app.get("/", { schema: { hide: true } }, (request, reply) =>
  reply.viewAsync("index", { title: "Notes", name: request.session.get("name"), notes: latest.all(20) }),
);

const newPage = { title: "New note", values: {}, errors: {} };
app.get("/notes/new", { schema: { hide: true } }, (_request, reply) => reply.viewAsync("new", newPage));

app.post("/notes/new", { schema: { body: NoteInput, hide: true }, attachValidation: true }, async (request, reply) => {
  if (request.validationError !== undefined) {
    const errors = Object.fromEntries(
      (request.validationError.validation as FastifySchemaValidationError[]).map((mistake) => [
        mistake.instancePath.slice(1),
        mistake.message,
      ]),
    );
    return reply.code(422).viewAsync("new", { ...newPage, values: request.body, errors });
  }
  addNote(request.body);
  return reply.redirect("/", 303);
});

const loginPage = { title: "Log in", name: "", error: undefined as string | undefined };
app.get("/login", { schema: { hide: true } }, (_request, reply) => reply.viewAsync("login", loginPage));

app.post(
  "/login",
  { schema: { body: Type.Object({ name: Type.String(), password: Type.String() }), hide: true } },
  async (request, reply) => {
    const { name, password } = request.body;
    if (!(await isRight(name, password))) {
      return reply.code(422).viewAsync("login", { ...loginPage, name, error: "Wrong name or password" });
    }
    request.session.regenerate();
    request.session.set("name", name);
    return reply.redirect("/", 303);
  },
);

app.post("/logout", { schema: { hide: true } }, (request, reply) => {
  request.session.delete();
  return reply.redirect("/", 303);
});

app.get(
  "/api/notes",
  {
    schema: {
      querystring: Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }) }),
      response: { 200: Type.Array(Note) },
    },
  },
  (request) => latest.all(request.query.limit) as unknown as Note[],
);

app.get(
  "/api/notes/:id",
  { schema: { params: Type.Object({ id: Type.Integer() }), response: { 200: Note, 404: Failure } } },
  async (request, reply) => {
    const note = one.get(request.params.id) as Note | undefined;
    if (note === undefined) {
      return reply.code(404).send({ statusCode: 404, error: "Not Found", message: "There is no such note" });
    }
    return note;
  },
);

app.post("/api/notes", { schema: { body: NoteInput, response: { 201: Note } } }, async (request, reply) =>
  reply.code(201).send(addNote(request.body)),
);

async function signedIn(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (request.session.get("name") === undefined) await reply.code(401).send({ message: "Log in first" });
}

app.post("/upload", { schema: { hide: true }, preHandler: signedIn }, async (request, reply) => {
  const file = await request.file();
  if (file === undefined) return reply.code(422).send({ message: "Choose a file" });
  const content = await file.toBuffer();
  if (file.file.truncated) throw new app.multipartErrors.RequestFileTooLargeError();
  return reply.code(201).send({ name: file.filename, size: content.length, user: request.session.get("name") });
});

app.get("/events", { schema: { hide: true }, sse: "only" }, async (_request, reply) => {
  const leaving = new AbortController();
  reply.sse.onClose(() => {
    leaving.abort();
  });
  async function* messages(): AsyncGenerator<SSEMessage, void, undefined> {
    for await (const [note] of on(added, "note", { signal: leaving.signal }) as AsyncIterable<[Note]>)
      yield { event: "note", data: note };
  }
  reply.sse.sendHeaders();
  reply.raw.flushHeaders();
  try {
    await reply.sse.send(messages());
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  }
});

app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());

await app.listen({ port: 0, host: "127.0.0.1" });
ready(portOf(app.server.address()));
