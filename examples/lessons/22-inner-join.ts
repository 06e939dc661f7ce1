/**
 * 22 An inner join: the stocks that are followed.
 *
 * The table `focus` has the id of each followed stock and a note. An inner join puts the rows of both tables together, and a
 * stock that is not followed has no row. Adding twice must leave one row: the primary key decides, not a query before.
 *
 *     $ tsgi 7788 ./22-inner-join.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl http://127.0.0.1:7788/center.html
 *     []
 *     $ curl -d note=cheap http://127.0.0.1:7788/add/000036.html
 *     followed
 *     $ curl -d note=again http://127.0.0.1:7788/add/000036.html
 *     no such stock, or followed already
 *     $ curl http://127.0.0.1:7788/center.html
 *     [{"code":"000036","short":"Huarun","note":"cheap"}]
 */
import { App } from "@tsgi/framework";
import { openDatabase, type Database } from "@tsgi/framework/database";
import { migrate } from "@tsgi/framework/migrations";
import { z } from "zod";

const app = new App<Database>({
  startup: async () => {
    const db = await openDatabase(process.env["DATABASE_URL"] ?? "sqlite::memory:");
    await migrate(db, `${import.meta.dirname}/migrations`);
    return db;
  },
  shutdown: (db) => db.close(),
});

const JOIN =
  "SELECT code, short, note_info AS note FROM info INNER JOIN focus ON focus.info_id = info.id ORDER BY info.id";
app.get("/center.html", ({ exchange: { state: db } }) => db.query(JOIN));

const form = { note: z.string().max(200).default("") };
app.post("/add/:code(\\d{6}).html", { form }, async ({ params, form, exchange: { state: db } }) => {
  const { affectedRows } = await db.execute(
    `INSERT INTO focus (info_id, note_info)
       SELECT id, ? FROM info WHERE code = ? AND id NOT IN (SELECT info_id FROM focus)`,
    [form.note, params.code],
  );
  return affectedRows === 1 ? "followed\n" : "no such stock, or followed already\n";
});

export default app;

/**
 * Exercise: show all stocks, with null for the note of those that are not followed; which join is that?
 * Question: two clients add the same stock in the same moment; which of the two statements fails, and with which error?
 */
