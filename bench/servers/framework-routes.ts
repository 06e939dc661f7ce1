/** The application of the framework's benchmark. */
import { App, type AppOptions } from "@tsgi/framework";
import { serve } from "@tsgi/server/socket";
import { z } from "zod";
import { KEEP_ALIVE_MS, ready } from "./control.ts";

const OTHER_ROUTES = 1000;
const Person = z.object({
  name: z.string().min(1).max(100),
  email: z.email(),
  age: z.number().int().min(0),
  tags: z.array(z.string()).max(20),
});

/** @param workload its name decides which routes there are. */
export async function run(workload: string, options: AppOptions): Promise<void> {
  const app = new App(options);
  if (workload === "routed-1000") {
    for (let i = 0; i < OTHER_ROUTES; i += 1) app.get(`/other${i}/:id`, () => "");
  }
  if (workload === "checked") {
    const response = z.object({ id: z.number(), page: z.number() });
    app.get(
      "/users/:id<int>",
      { query: { page: z.coerce.number().int().default(1) }, response },
      ({ params, query }) => ({ id: params.id, page: query.page }),
    );
  } else {
    app.get("/users/:id", ({ params, query }) => ({ id: params.id, page: query.get("page") }));
  }
  if (workload === "posted") {
    const response = z.object({ id: z.number(), name: z.string(), tags: z.array(z.string()) });
    app.post("/users/:id<int>", { json: Person, response }, ({ params, json }) => ({
      id: params.id,
      name: json.name,
      tags: json.tags,
    }));
  }
  const server = await serve(app, { keepAliveTimeoutMs: KEEP_ALIVE_MS });
  ready(Number(new URL(server.url).port));
}
