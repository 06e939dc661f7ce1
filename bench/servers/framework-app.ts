/** An App on the socket server; with the argument `plain` it has no CSRF protection and no security header fields, as the others have none. */
import { App, respond } from "@tsgi/framework";
import { serve } from "@tsgi/server/socket";
import { z } from "zod";
import { KEEP_ALIVE_MS, ready } from "./control.ts";
import { Person } from "./framework-schemas.ts";
import { OTHER_ROUTES, pieces } from "./framework-site.ts";
import { STOCKS, TITLE, VIEWS } from "./stocks-page.ts";

const Checked = z.object({ id: z.number(), page: z.number() });
const Posted = z.object({ id: z.number(), name: z.string(), tags: z.array(z.string()) });

const app = new App({ views: VIEWS, ...(process.argv[3] === "plain" ? { security: false } : {}) });
for (let i = 0; i < OTHER_ROUTES; i += 1) app.get(`/other${i}/:id`, () => "");
app.get("/users/:id", ({ params, query }) => ({ id: params.id, page: query.get("page") }));
app.get(
  "/checked/:id<int>",
  { query: { page: z.coerce.number().int().default(1) }, response: Checked },
  ({ params, query }) => ({ id: params.id, page: query.page }),
);
app.post("/users/:id<int>", { json: Person, response: Posted }, ({ params, json }) => ({
  id: params.id,
  name: json.name,
  tags: json.tags,
}));
app.get("/stocks", ({ render }) => render("stocks", { title: TITLE, stocks: STOCKS }));
app.get("/stream", () => respond({ status: 200, headers: { "content-type": "text/plain" }, body: pieces() }));

const server = await serve(app, { keepAliveTimeoutMs: KEEP_ALIVE_MS });
ready(Number(new URL(server.url).port));
