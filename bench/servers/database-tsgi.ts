/** The framework on the socket server, with its database and its views. */
import { App } from "@tsgi/framework";
import { openMysql } from "@tsgi/framework/mysql";
import { serve } from "@tsgi/server/socket";
import { KEEP_ALIVE_MS, ready } from "./control.ts";
import { DATABASE_URL, FIFTY_ROWS, ONE_ROW, POOL_SIZE } from "./database-site.ts";
import { TITLE, VIEWS } from "./stocks-page.ts";

const database = openMysql(DATABASE_URL, { maxConnections: POOL_SIZE });
const app = new App({ views: VIEWS });
app.get("/stocks/:id<int>", async ({ params }) => {
  const [stock] = await database.query(ONE_ROW, [params.id]);
  return stock ?? null;
});
app.get("/index.html", async ({ render }) =>
  render("stocks", { title: TITLE, stocks: await database.query(FIFTY_ROWS) }),
);
const server = await serve(app, { keepAliveTimeoutMs: KEEP_ALIVE_MS });
ready(Number(new URL(server.url).port));
