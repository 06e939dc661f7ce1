/** Mistakes with forms and clients, beside those of `src/types.test-d.ts`. The compiler is the test. */
import { z } from "zod";
import { type App, route } from "@tsgi/framework";
import { call, client } from "@tsgi/framework/client";
import { formPage } from "@tsgi/framework/forms";

const Stock = z.object({ code: z.string(), price: z.string() });
const stocks = route("GET /api/stocks", { query: { page: z.coerce.number().optional() }, response: z.array(Stock) });
const follow = route("POST /api/stocks/:code/follow", { json: z.object({ note: z.string() }), response: Stock });

const item = route("GET /items/:id", { response: { 200: Stock, 404: z.object({ reason: z.string() }) } });

/** Never called. */
export async function calls(): Promise<void> {
  const [first] = await call(stocks, { query: { page: 1 } });
  first?.price.trim();
  await call(follow, { params: { code: "1" }, json: { note: "" } });
  // @ts-expect-error -- a call without its parameters and content
  await call(follow);
  // @ts-expect-error -- a call without its content
  await call(follow, { params: { code: "1" } });
  // @ts-expect-error -- a call with content of another type
  await call(follow, { params: { code: "1" }, json: { note: 1 } });
  // @ts-expect-error -- a query field that the route does not declare
  await call(stocks, { query: { pages: 1 } });
  // @ts-expect-error -- a field that the response does not have
  await call(stocks).then((rows) => rows[0]?.name);
  const result = await call(item, { params: { id: "1" } });
  if (result.status === 404) result.data.reason.trim();
  else result.data.code.trim();
  // @ts-expect-error -- a field of another status
  (await call(item, { params: { id: "1" } })).data.reason.trim();
  const web = client<{ readonly stocks: typeof stocks; readonly item: typeof item }>();
  // @ts-expect-error -- a route with responses by status is called by its value
  await web("GET /items/:id", { params: { id: "1" } });
  await web("GET /api/stocks");
  // @ts-expect-error -- a route that the table does not have
  await web("GET /api/users");
}

/** Never called. */
export function forms(app: App): void {
  // @ts-expect-error -- a mistake for a field that the form does not have
  formPage(app, "/a", { form: { note: z.string() }, show: () => "", submit: ({ invalid }) => invalid({ not: "x" }) });
  // @ts-expect-error -- the errors of a field that the form does not have
  formPage(app, "/a", { form: { note: z.string() }, show: ({ form }) => form.errors.not ?? "", submit: () => "" });
}
