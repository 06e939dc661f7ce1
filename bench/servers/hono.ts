/** Hono on its adapter for Node, with the static files of that adapter. */
import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { KEEP_ALIVE_MS, ready, root } from "./control.ts";

const app = new Hono();
app.get("/", (context) => context.text("Hello, world!"));
app.get("/json", (context) => context.json({ message: "Hello, world!" }));
app.post("/echo", async (context) => context.json(await context.req.json()));
app.use("/files/*", serveStatic({ root, precompressed: true }));

const options = { hostname: "127.0.0.1", port: 0, serverOptions: { keepAliveTimeout: KEEP_ALIVE_MS } };
serve({ ...options, fetch: app.fetch }, ({ port }) => ready(port));
