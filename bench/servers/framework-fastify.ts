/** The same routes in fastify, with ajv and fast-json-stringify as its documentation recommends. */
import { fastify } from "fastify";
import { KEEP_ALIVE_MS, portOf, ready } from "./control.ts";

const OTHER_ROUTES = 1000;
const workload = process.argv[2];
const app = fastify({ keepAliveTimeout: KEEP_ALIVE_MS });
const text = { type: "string" };
const object = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
});

if (workload === "routed-1000") {
  for (let i = 0; i < OTHER_ROUTES; i += 1) app.get(`/other${i}/:id`, () => "");
}
if (workload === "checked") {
  app.get<{ Params: { id: number }; Querystring: { page: number } }>(
    "/users/:id",
    {
      schema: {
        params: object({ id: { type: "integer" } }),
        querystring: object({ page: { type: "integer", default: 1 } }, []),
        response: { 200: object({ id: { type: "integer" }, page: { type: "integer" } }) },
      },
    },
    async ({ params, query }) => ({ id: params.id, page: query.page }),
  );
} else {
  app.get<{ Params: { id: string }; Querystring: { page?: string } }>("/users/:id", async ({ params, query }) => ({
    id: params.id,
    page: query.page,
  }));
}
if (workload === "posted") {
  const tags = { type: "array", items: text, maxItems: 20 };
  app.post<{ Params: { id: number }; Body: { name: string; tags: string[] } }>(
    "/users/:id",
    {
      schema: {
        params: object({ id: { type: "integer" } }),
        body: object({
          name: { type: "string", minLength: 1, maxLength: 100 },
          email: { type: "string", format: "email" },
          age: { type: "integer", minimum: 0 },
          tags,
        }),
        response: { 200: object({ id: { type: "integer" }, name: text, tags: { type: "array", items: text } }) },
      },
    },
    async ({ params, body }) => ({ id: params.id, name: body.name, tags: body.tags }),
  );
}
await app.listen({ port: 0, host: "127.0.0.1" });
ready(portOf(app.server.address()));
