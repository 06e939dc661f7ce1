/** Ten usual mistakes, as changes of the applications' text, and which of them the compiler finds. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathOf, sourceOf, SUBJECTS, type Subject } from "./subjects.ts";

/** What is replaced, and by what. Where the place is in a view, the compiler does not see it. */
type Change = readonly [from: string, to: string];

export interface MistakeCase {
  readonly title: string;
  readonly changes: Readonly<Record<"tsgi" | "fastify" | "hono", Change>>;
}

const SHORT_NOTE = "{ id: note.id, title: note.title }";
const MISSPELT_BODY = (body: string): string => `{ title: ${body}.titel, text: ${body}.text }`;

export const MISTAKES: readonly MistakeCase[] = [
  {
    title: "a misspelt parameter of the path",
    changes: {
      tsgi: ["[params.id]", "[params.idd]"],
      fastify: ["request.params.id", "request.params.idd"],
      hono: ['valid("param").id', 'valid("param").idd'],
    },
  },
  {
    title: "a misspelt query field",
    changes: {
      tsgi: ["query.limit", "query.limt"],
      fastify: ["request.query.limit", "request.query.limt"],
      hono: ['valid("query").limit', 'valid("query").limt'],
    },
  },
  {
    title: "a misspelt field of the JSON content",
    changes: {
      tsgi: ["addNote(exchange.state.db, json)", `addNote(exchange.state.db, ${MISSPELT_BODY("json")})`],
      fastify: ["send(addNote(request.body))", `send(addNote(${MISSPELT_BODY("request.body")}))`],
      hono: [
        'addNote(context.req.valid("json"))',
        `addNote(((json) => (${MISSPELT_BODY("json")}))(context.req.valid("json")))`,
      ],
    },
  },
  {
    title: "a JSON response that lacks a field",
    changes: {
      tsgi: ["  return note;\n});", `  return ${SHORT_NOTE};\n});`],
      fastify: ["    return note;\n", `    return ${SHORT_NOTE};\n`],
      hono: ["context.json(note, 200)", `context.json(${SHORT_NOTE}, 200)`],
    },
  },
  {
    title: "a handler that forgets to return",
    changes: {
      tsgi: ["  return note;\n});", "});"],
      fastify: ["    return note;\n", ""],
      hono: ["return note === undefined", "note === undefined"],
    },
  },
  {
    title: "a misspelt column in a page",
    changes: {
      tsgi: ["notes.map(({ id, title, text })", "notes.map(({ id, titel: title, text })"],
      fastify: ["<%= note.title %>", "<%= note.titel %>"],
      hono: ["latest(20).map(({ id, title, text })", "latest(20).map(({ id, titel: title, text })"],
    },
  },
  {
    title: "the error of a form field that does not exist",
    changes: {
      tsgi: ["alert(errors.title)", "alert(errors.titel)"],
      fastify: ["<%= it.errors.title %>", "<%= it.errors.titel %>"],
      hono: ["alert(errors.title?.[0])", "alert(errors.titel?.[0])"],
    },
  },
  {
    title: "a misspelt name in the session",
    changes: {
      tsgi: ["session.start({ name: form.name })", "session.start({ nam: form.name })"],
      fastify: ['session.set("name", name)', 'session.set("nam", name)'],
      hono: ['getSignedCookie(context, KEY, "session"', 'getSignedCookie(context, KEY, "sesion"'],
    },
  },
  {
    title: "a handler for users without its guard",
    changes: {
      tsgi: ["needs: { user, file:", "needs: { file:"],
      fastify: ["{ hide: true }, preHandler: signedIn }", "{ hide: true } }"],
      hono: ["  signedIn,\n", ""],
    },
  },
  {
    title: "a misspelt limit of the upload",
    changes: {
      tsgi: ["{ maxFileBytes: 64", "{ maxFileByte: 64"],
      fastify: ["{ fileSize: 64", "{ fileSizes: 64"],
      hono: ["bodyLimit({ maxSize:", "bodyLimit({ maxSizes:"],
    },
  },
];

/**
 * The titles of the mistakes that the compiler finds, by the name of the subject. All applications in TypeScript are copied with
 * one mistake each, and checked in one run.
 * @throws Error if a change does not fit its application, or an application without a mistake does not compile.
 */
export async function findMistakes(): Promise<ReadonlyMap<string, readonly string[]>> {
  const subjects = SUBJECTS.filter(({ file }) => file.endsWith(".ts"));
  // Beside this folder, so that the imports of the copies are right.
  const folder = await mkdtemp(pathOf("../.mistakes-"));
  try {
    for (const subject of subjects) {
      await writeFile(join(folder, `${subject.name}-none.ts`), sourceOf(subject));
      for (const [index, { title, changes }] of MISTAKES.entries()) {
        const change = changes[subject.name as keyof typeof changes];
        await writeFile(join(folder, `${subject.name}-${index}.ts`), await changed(subject, title, change));
      }
    }
    const wrong = await filesWithErrors(folder);
    for (const { name } of subjects) {
      if (wrong.has(`${name}-none.ts`)) throw new Error(`${name} does not compile without a mistake`);
    }
    return new Map(
      subjects.map(({ name }) => [
        name,
        MISTAKES.filter((_mistake, index) => wrong.has(`${name}-${index}.ts`)).map(({ title }) => title),
      ]),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function changed(subject: Subject, title: string, [from, to]: Change): Promise<string> {
  const source = sourceOf(subject);
  if (source.includes(from)) return source.replace(from, () => to);
  const views = subject.views === null ? [] : await readdir(pathOf(subject.views));
  for (const view of views) {
    if ((await readFile(join(pathOf(subject.views ?? ""), view), "utf8")).includes(from)) return source;
  }
  throw new Error(`${subject.name} has no place for the mistake "${title}": ${from}`);
}

async function filesWithErrors(folder: string): Promise<ReadonlySet<string>> {
  // A name that is used no more is no finding of the mistake.
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
  const config = { extends: "../../tsconfig.json", compilerOptions, include: ["*.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = pathOf("../../node_modules/typescript/bin/tsc");
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [tsc, "-p", folder, "--pretty", "false"], (_error, stdout) => {
      resolve(stdout);
    });
  });
  return new Set([...output.matchAll(/^(?:.*\/)?([\w-]+\.ts)\(\d+,\d+\): error/gm)].map(([, file]) => file ?? ""));
}
