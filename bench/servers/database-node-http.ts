/** node:http with mysql2 by callback and eta, without a router: the least that Node does. */
import { createServer, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { Eta } from "eta";
import mysql from "mysql2";
import type { RowDataPacket } from "mysql2";
import { KEEP_ALIVE_MS, portOf, ready } from "./control.ts";
import { FIFTY_ROWS, mysqlOptions, ONE_ROW } from "./database-site.ts";
import { TITLE, VIEWS } from "./stocks-page.ts";

const pool = mysql.createPool(mysqlOptions());
const eta = new Eta({ views: fileURLToPath(VIEWS), cache: true, defaultExtension: ".html", autoTrim: false });

function send(response: ServerResponse, type: string, content: string): void {
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(content) });
  response.end(content);
}

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, ({ url = "" }, response) => {
  const fail = () => response.writeHead(500).end();
  if (url === "/index.html") {
    pool.execute<RowDataPacket[]>(FIFTY_ROWS, (error, stocks) => {
      if (error) fail();
      else send(response, "text/html; charset=utf-8", eta.render("./stocks", { title: TITLE, stocks }));
    });
    return;
  }
  pool.execute<RowDataPacket[]>(ONE_ROW, [Number(url.slice("/stocks/".length))], (error, rows) => {
    if (error) fail();
    else send(response, "application/json", JSON.stringify(rows[0]));
  });
});
server.listen(0, "127.0.0.1", () => ready(portOf(server.address())));
