/** The JSON API below `/api`, its document `/openapi.json`, and the page `/docs`. */
import { type App, HttpError, route, routes } from "@tsgi/framework";
import { docs } from "@tsgi/framework/openapi";
import { z } from "zod";
import { NewNote, Note, type Notes } from "./notes.ts";

const api = routes({
  listNotes: route("GET /api/notes", { response: z.array(Note), summary: "The latest notes" }),
  showNote: route("GET /api/notes/:id<int>", { response: Note, summary: "A note" }),
  addNote: route("POST /api/notes", { json: NewNote, response: Note, status: 201, summary: "Adds a note" }),
  removeNote: route("DELETE /api/notes/:id<int>", { summary: "Removes a note" }),
});

export function addApi(app: App<void>, notes: Notes): void {
  app.on(api, {
    listNotes: () => notes.latest(),
    showNote: async ({ params }) => {
      const note = await notes.find(params.id);
      if (note === null) throw noSuchNote();
      return note;
    },
    addNote: async ({ json, header, urlFor }) => {
      const note = await notes.add(json.text);
      header("location", urlFor(api.showNote, { id: note.id }));
      return note;
    },
    removeNote: async ({ params }) => {
      if (!(await notes.remove(params.id))) throw noSuchNote();
      return null;
    },
  });
  docs(app, { title: "Notes", version: "1.0.0" });
  app.get("/", ({ redirect }) => redirect("/docs")); // only: no-page
}

function noSuchNote(): HttpError {
  return new HttpError(404, "NOTE_UNKNOWN", "There is no such note");
}
