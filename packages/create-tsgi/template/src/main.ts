/** What the `tsgi` command serves: the application on the database of `DATABASE_URL`. */
import { openDatabase } from "@tsgi/framework/database";
import { createApp } from "./app.ts";
import { setting } from "./settings.ts";

export default createApp(await openDatabase(setting("DATABASE_URL")));
