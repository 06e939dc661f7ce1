/** The same routes in Elysia; this file runs in Bun. */
import { Elysia, t } from "elysia";
import { KEEP_ALIVE_MS, ready } from "./control.ts";
import { OTHER_ROUTES, pieces } from "./framework-site.ts";
import { type Stock, STOCKS, TITLE } from "./stocks-page.ts";

/** The part of Bun's API that this file uses. */
declare const Bun: {
  escapeHTML(value: string | number): string;
  gc(synchronously: boolean): void;
};

const app = new Elysia({ serve: { idleTimeout: KEEP_ALIVE_MS / 1000 } });
for (let i = 0; i < OTHER_ROUTES; i += 1) app.get(`/other${i}/:id`, () => "");
app
  .get("/users/:id", ({ params, query }) => ({ id: params.id, page: query["page"] }))
  .get("/checked/:id", ({ params, query }) => ({ id: params.id, page: query.page }), {
    params: t.Object({ id: t.Integer() }),
    query: t.Object({ page: t.Integer({ default: 1 }) }),
    response: t.Object({ id: t.Integer(), page: t.Integer() }),
  })
  .post("/users/:id", ({ params, body }) => ({ id: params.id, name: body.name, tags: body.tags }), {
    params: t.Object({ id: t.Integer() }),
    body: t.Object({
      name: t.String({ minLength: 1, maxLength: 100 }),
      email: t.String({ format: "email" }),
      age: t.Integer({ minimum: 0 }),
      tags: t.Array(t.String(), { maxItems: 20 }),
    }),
    response: t.Object({ id: t.Integer(), name: t.String(), tags: t.Array(t.String()) }),
  })
  .get("/stocks", ({ set }) => {
    set.headers["content-type"] = "text/html; charset=utf-8";
    return page(STOCKS);
  })
  .get("/stream", async function* ({ set }) {
    set.headers["content-type"] = "text/plain";
    yield* pieces();
  })
  .listen({ hostname: "127.0.0.1", port: 0 });
// The type of Elysia's server is that of Bun, whose types the repository does not have.
const { port } = app.server as { readonly port: number };
ready(port, () => Bun.gc(true));

function page(stocks: readonly Stock[]): string {
  return `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<title>${Bun.escapeHTML(TITLE)}</title>
<table>
${stocks.map(row).join("")}
</table>
`;
}

function row(stock: Stock): string {
  const { id, code, short, chg, turnover, price, highs, time } = stock;
  const cells = [id, code, short, chg, turnover, price, highs, time].map((cell) => `<td>${Bun.escapeHTML(cell)}</td>`);
  return `
<tr id="stock-${Bun.escapeHTML(code)}">${cells.join("")}</tr>
`;
}
