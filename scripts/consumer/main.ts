/** A user's program, compiled and run against the packed packages: one request to an application on each server. */
import { App } from "@tsgi/framework";
import { openDatabase } from "@tsgi/framework/database";
import { serve as serveOnNode } from "@tsgi/server/node";
import { serve as serveOnSockets } from "@tsgi/server/socket";

const database = await openDatabase("sqlite::memory:");
const app = new App();
app.get("/double/:n", async ({ params }) => {
  const [row] = await database.query<{ n: number }>("SELECT 2 * ? AS n", [Number(params.n)]);
  return { n: row?.n };
});

for (const serve of [serveOnSockets, serveOnNode]) {
  const server = await serve(app);
  const response = await fetch(new URL("/double/21", server.url));
  const text = await response.text();
  if (response.status !== 200 || text !== '{"n":42}') throw new Error(`${response.status} ${text}`);
  await server.close();
}
await database.close();
console.log(`works on Node ${process.versions.node}`);
