/** Fastify with mysql2/promise and eta: schemas for parameters and response, as its documentation recommends for speed. */
import { fileURLToPath } from "node:url";
import { Eta } from "eta";
import { fastify } from "fastify";
import mysql from "mysql2/promise";
import type { RowDataPacket } from "mysql2/promise";
import { KEEP_ALIVE_MS, portOf, ready } from "./control.ts";
import { COLUMNS, FIFTY_ROWS, mysqlOptions, ONE_ROW } from "./database-site.ts";
import { TITLE, VIEWS } from "./stocks-page.ts";

const pool = mysql.createPool(mysqlOptions());
const eta = new Eta({ views: fileURLToPath(VIEWS), cache: true, defaultExtension: ".html", autoTrim: false });
const app = fastify({ keepAliveTimeout: KEEP_ALIVE_MS });
const text = { type: "string" } as const;
const properties = { ...Object.fromEntries(COLUMNS.split(", ").map((name) => [name, text])), id: { type: "integer" } };
const schema = {
  params: { type: "object", properties: { id: { type: "integer" } } },
  response: { 200: { type: "object", properties } },
};
// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Fastify awaits handlers
app.get<{ Params: { id: number } }>("/stocks/:id", { schema }, async (request) => {
  const [rows] = await pool.execute<RowDataPacket[]>(ONE_ROW, [request.params.id]);
  return rows[0];
});
app.get("/index.html", async (_request, reply) => {
  const [stocks] = await pool.execute<RowDataPacket[]>(FIFTY_ROWS);
  return reply.type("text/html; charset=utf-8").send(eta.render("./stocks", { title: TITLE, stocks }));
});
await app.listen({ port: 0, host: "127.0.0.1" });
ready(portOf(app.server.address()));
