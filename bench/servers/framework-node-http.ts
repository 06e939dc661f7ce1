/** The same responses on node:http without a framework: the paths are compared, the content is checked by zod, and eta makes the page. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json as readJson } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Eta } from "eta";
import { z } from "zod";
import { KEEP_ALIVE_MS, portOf, ready } from "./control.ts";
import { Person } from "./framework-schemas.ts";
import { pieces } from "./framework-site.ts";
import { STOCKS, TITLE, VIEWS } from "./stocks-page.ts";

const eta = new Eta({ views: fileURLToPath(VIEWS), cache: true, defaultExtension: ".html", autoTrim: false });

function send(response: ServerResponse, type: string, content: string): void {
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(content) });
  response.end(content);
}

const sendJson = (response: ServerResponse, value: unknown) => {
  send(response, "application/json", JSON.stringify(value));
};

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = "/" } = request;
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  const id = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  if (path === "/stocks") {
    send(response, "text/html; charset=utf-8", eta.render("./stocks", { title: TITLE, stocks: STOCKS }));
  } else if (path === "/stream") {
    response.writeHead(200, { "content-type": "text/plain" });
    for await (const piece of pieces()) {
      if (!response.write(piece)) await once(response, "drain");
    }
    response.end();
  } else if (path.startsWith("/users/") && method === "POST") {
    const { name, tags } = Person.parse(await readJson(request));
    sendJson(response, { id: Number(id), name, tags });
  } else if (path.startsWith("/checked/")) {
    const page = new URLSearchParams(url.slice(mark + 1)).get("page");
    sendJson(response, { id: z.coerce.number().int().parse(id), page: z.coerce.number().int().parse(page) });
  } else {
    sendJson(response, { id, page: new URLSearchParams(url.slice(mark + 1)).get("page") });
  }
}

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  respond(request, response).catch(() => response.writeHead(400).end());
});
server.listen(0, "127.0.0.1", () => ready(portOf(server.address())));
