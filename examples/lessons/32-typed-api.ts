/**
 * 32 A typed API with its documentation.
 *
 * The schemas of a route check the request, convert its values, type the handler, and describe the API: the document cannot
 * differ from the program. FastAPI made this style known.
 *
 *     $ tsgi 7788 ./32-typed-api.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl 'http://127.0.0.1:7788/items/7?q=book'
 *     {"id":7,"q":"book"}
 *     $ curl -o /dev/null -w '%{http_code}\n' http://127.0.0.1:7788/items/seven
 *     404
 *     $ curl --json '{"name":"pen","price":"cheap"}' http://127.0.0.1:7788/items
 *     {"title":"Unprocessable Content",…"errors":[{"in":"json","field":"price",…}]}
 *     $ curl http://127.0.0.1:7788/openapi.json
 *     {"openapi":"3.1.…"title":"Items"…"/items/{id}"…}
 *     $ curl http://127.0.0.1:7788/docs | grep '<title>'
 *     …<title>Items</title>
 */
import { App } from "@tsgi/framework";
import { docs } from "@tsgi/framework/openapi";
import { z } from "zod";

const Item = z.object({ name: z.string().min(1), price: z.number().positive() });

const app = new App();
app.get("/items/:id<int>", { summary: "One item", query: { q: z.string().optional() } }, ({ params, query }) => ({
  id: params.id,
  q: query.q ?? null,
}));
app.post("/items", { summary: "A new item", json: Item, response: Item, status: 201 }, ({ json }) => json);
docs(app, { title: "Items", version: "1.0" });

export default app;

/**
 * Exercise: open /docs in a browser and send a request from it.
 * Question: `/items/seven` is 404 here and 422 in FastAPI; which of the two do you find right, and why?
 */
