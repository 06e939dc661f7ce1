/** The same route in Hono on its adapter for Node. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { KEEP_ALIVE_MS, ready } from "./control.ts";

const OTHER_ROUTES = 1000;
const app = new Hono();
if (process.argv[2] === "routed-1000") {
  for (let i = 0; i < OTHER_ROUTES; i += 1) app.get(`/other${i}/:id`, (context) => context.text(""));
}
app.get("/users/:id", (context) => context.json({ id: context.req.param("id"), page: context.req.query("page") }));

const options = { hostname: "127.0.0.1", port: 0, serverOptions: { keepAliveTimeout: KEEP_ALIVE_MS } };
serve({ ...options, fetch: app.fetch }, ({ port }) => ready(port));
