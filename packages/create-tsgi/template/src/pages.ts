/** The pages: the notes with a form to add one, and the page of an error. */
import { type App, type Context, HttpError, type Reply } from "@tsgi/framework";
import { formPage } from "@tsgi/framework/forms";
import { staticFiles } from "@tsgi/server/static-files";
import { MAX_LENGTH, NewNote, type Notes } from "./notes.ts";

export function addPages(app: App<void>, notes: Notes): void {
  // GET shows the page. POST adds a note and redirects; if the note is invalid, the page comes back with what was typed.
  formPage(app, "/", {
    name: "notes",
    form: NewNote,
    show: async ({ form, render }) =>
      render("notes", { title: "Notes", notes: await notes.latest(), maxLength: MAX_LENGTH, form }),
    submit: async ({ form, redirect, urlFor }) => {
      await notes.add(form.text);
      return redirect(urlFor("notes"));
    },
  });

  app.post("/notes/:id<int>/remove", { name: "remove" }, async ({ params, redirect, urlFor }) => {
    await notes.remove(params.id);
    return redirect(urlFor("notes"));
  });

  app.mount("/static", staticFiles(new URL("../static/", import.meta.url)));
}

/** Browsers get a page; other clients get the JSON of the framework. In development, the framework shows what failed. */
export async function showError(
  error: unknown,
  { request, render }: Context<string, void>,
): Promise<Reply | undefined> {
  const isExpected = error instanceof HttpError && error.status < 500;
  if (!isExpected && process.env["NODE_ENV"] === "development") return undefined;
  if (request.headers.get("accept")?.includes("text/html") !== true) return undefined;
  return isExpected && error.status === 404
    ? render("error", { title: "Not found", sentence: "There is no such page." })
    : render("error", {
        title: "Something went wrong",
        sentence: "The page could not be shown. Try again in a moment.",
      });
}
