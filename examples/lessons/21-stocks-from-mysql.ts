/**
 * 21 Stocks from MySQL.
 *
 * The page is a query and a loop over its rows. A value from a client goes into SQL by `?` only. Without DATABASE_URL the
 * lessons use the embedded SQLite; with `DATABASE_URL=mysql://user:password@127.0.0.1/lessons` the same program runs on MySQL.
 *
 *     $ tsgi 7788 ./21-stocks-from-mysql.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl http://127.0.0.1:7788/index.html
 *     <table><tr><td>000007<td>Quanxinhao<td>16.05<tr><td>000036<td>Huarun<td>11.29<tr><td>000039<td>Zhongji<td>18.07</table>
 *     $ curl -G --data-urlencode "code=' OR '1'='1" http://127.0.0.1:7788/index.html
 *     <table></table>
 *
 * The tables are in migrations/0001-stocks.sql.
 */
import { App, html } from "@tsgi/framework";
import { openDatabase, type Database } from "@tsgi/framework/database";
import { migrate } from "@tsgi/framework/migrations";
import { z } from "zod";

const Stock = z.object({ code: z.string(), short: z.string(), price: z.string() });

const app = new App<Database>({
  startup: async () => {
    const db = await openDatabase(process.env["DATABASE_URL"] ?? "sqlite::memory:");
    await migrate(db, `${import.meta.dirname}/migrations`);
    return db;
  },
  shutdown: (db) => db.close(),
});

app.get("/index.html", async ({ query, exchange: { state: db } }) => {
  const code = query.get("code");
  const stocks = await db.query("SELECT * FROM info WHERE code = ? OR ? IS NULL ORDER BY id", [code, code], Stock);
  const rows = stocks.map(({ code, short, price }) => html`<tr><td>${code}<td>${short}<td>${price}`);
  return html`<table>${rows}</table>\n`;
});

export default app;

/**
 * Exercise: add `?short=` that finds the stocks whose name begins with a text.
 * Question: what does the second command get if the program builds its SQL by `"… code = '" + code + "'"`?
 */
