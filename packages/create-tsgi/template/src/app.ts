/** The application on a database. The server calls it for each request, and so do the tests, without a server. */
import { App } from "@tsgi/framework";
import type { Database } from "@tsgi/framework/database";
import { migrate } from "@tsgi/framework/migrations";
import { addApi } from "./api.ts"; // only: api
import { Notes } from "./notes.ts";
import { addPages, showError } from "./pages.ts"; // only: page

/** @param database is closed when the application shuts down. */
export function createApp(database: Database): App<void> {
  const app = new App<void>({
    views: new URL("../views/", import.meta.url), // only: page
    layout: "layout", // only: page
    onError: showError, // only: page
    startup: async () => {
      await migrate(database, new URL("../migrations/", import.meta.url));
    },
    shutdown: () => database.close(),
  });

  const notes = new Notes(database);
  addPages(app, notes); // only: page
  addApi(app, notes); // only: api

  app.get("/health", async () => {
    await database.ping({ timeoutMs: 1000 });
    return { database: "up" };
  });
  return app;
}
