/** The same routes in fastify, with ajv and fast-json-stringify as its documentation recommends, and @fastify/view with eta. */
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import view from "@fastify/view";
import { Eta } from "eta";
import { fastify } from "fastify";
import { KEEP_ALIVE_MS, portOf, ready } from "./control.ts";
import { OTHER_ROUTES, pieces } from "./framework-site.ts";
import { STOCKS, TITLE, VIEWS } from "./stocks-page.ts";

const app = fastify({ keepAliveTimeout: KEEP_ALIVE_MS });
const text = { type: "string" };
const object = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
});
const params = object({ id: { type: "integer" } });

const views = fileURLToPath(VIEWS);
await app.register(view, {
  engine: { eta: new Eta({ views, cache: true, defaultExtension: ".html", autoTrim: false }) },
  root: views,
  viewExt: "html",
  production: true,
});

for (let i = 0; i < OTHER_ROUTES; i += 1) app.get(`/other${i}/:id`, () => "");
app.get<{ Params: { id: string }; Querystring: { page?: string } }>("/users/:id", async ({ params, query }) => ({
  id: params.id,
  page: query.page,
}));
app.get<{ Params: { id: number }; Querystring: { page: number } }>(
  "/checked/:id",
  {
    schema: {
      params,
      querystring: object({ page: { type: "integer", default: 1 } }, []),
      response: { 200: object({ id: { type: "integer" }, page: { type: "integer" } }) },
    },
  },
  async ({ params, query }) => ({ id: params.id, page: query.page }),
);
app.post<{ Params: { id: number }; Body: { name: string; tags: string[] } }>(
  "/users/:id",
  {
    schema: {
      params,
      body: object({
        name: { type: "string", minLength: 1, maxLength: 100 },
        email: { type: "string", format: "email" },
        age: { type: "integer", minimum: 0 },
        tags: { type: "array", items: text, maxItems: 20 },
      }),
      response: { 200: object({ id: { type: "integer" }, name: text, tags: { type: "array", items: text } }) },
    },
  },
  async ({ params, body }) => ({ id: params.id, name: body.name, tags: body.tags }),
);
app.get("/stocks", (_request, reply) => reply.viewAsync("stocks", { title: TITLE, stocks: STOCKS }));
app.get("/stream", (_request, reply) => reply.type("text/plain").send(Readable.from(pieces())));

await app.listen({ port: 0, host: "127.0.0.1" });
ready(portOf(app.server.address()));
