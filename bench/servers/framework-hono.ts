/** The same routes in Hono on its adapter for Node, with its validator for zod, and its `html` in place of a view. */
import { serve } from "@hono/node-server";
import { zValidator } from "@hono/zod-validator";
import { Hono } from "hono";
import { html } from "hono/html";
import { stream } from "hono/streaming";
import { z } from "zod";
import { KEEP_ALIVE_MS, ready } from "./control.ts";
import { Person } from "./framework-schemas.ts";
import { OTHER_ROUTES, pieces } from "./framework-site.ts";
import { type Stock, STOCKS, TITLE } from "./stocks-page.ts";

const Id = z.object({ id: z.coerce.number().int() });
const Page = z.object({ page: z.coerce.number().int().default(1) });

const app = new Hono();
for (let i = 0; i < OTHER_ROUTES; i += 1) app.get(`/other${i}/:id`, (context) => context.text(""));
app.get("/users/:id", (context) => context.json({ id: context.req.param("id"), page: context.req.query("page") }));
app.get("/checked/:id", zValidator("param", Id), zValidator("query", Page), (context) =>
  context.json({ id: context.req.valid("param").id, page: context.req.valid("query").page }),
);
app.post("/users/:id", zValidator("param", Id), zValidator("json", Person), (context) => {
  const { name, tags } = context.req.valid("json");
  return context.json({ id: context.req.valid("param").id, name, tags });
});
app.get("/stocks", (context) => context.html(page(STOCKS)));
app.get("/stream", (context) => {
  context.header("content-type", "text/plain");
  return stream(context, async (stream) => {
    for await (const piece of pieces()) await stream.write(piece);
  });
});

function page(stocks: readonly Stock[]) {
  return html`<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<title>${TITLE}</title>
<table>
${stocks.map(row)}
</table>
`;
}

function row({ id, code, short, chg, turnover, price, highs, time }: Stock) {
  return html`
<tr id="stock-${code}"><td>${id}</td><td>${code}</td><td>${short}</td><td>${chg}</td><td>${turnover}</td><td>${price}</td><td>${highs}</td><td>${time}</td></tr>
`;
}

const options = { hostname: "127.0.0.1", port: 0, serverOptions: { keepAliveTimeout: KEEP_ALIVE_MS } };
serve({ ...options, fetch: app.fetch }, ({ port }) => ready(port));
