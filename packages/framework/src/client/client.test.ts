import { toFetch } from "@tsgi/gateway-spec/fetch";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { App } from "../app.ts";
import { HttpError } from "../errors.ts";
import { withStatus } from "../results.ts";
import { route, routes } from "../route.ts";
import { call, client, type CallOptions } from "./index.ts";

const Stock = z.object({ code: z.string(), price: z.number() });
const api = routes({
  list: route("GET /api/stocks", {
    query: { page: z.coerce.number().default(1), tag: z.array(z.string()).optional() },
    response: z.array(Stock),
  }),
  show: route("GET /api/stocks/:code(\\d{6})", { response: Stock }),
  follow: route("POST /api/stocks/:code(\\d{6})/follow", {
    json: z.object({ note: z.string().max(5) }),
    response: Stock,
    status: 201,
  }),
  rename: route("PUT /api/users/:id<int>", { form: { name: z.string(), tag: z.array(z.string()) } }),
  remove: route("DELETE /api/users/:id<int>"),
  item: route("GET /api/items/:id", { response: { 200: Stock, 404: z.object({ reason: z.string() }) } }),
  tenant: route("GET /api/tenant", { headers: { "x-tenant": z.string(), "x-user": z.string().default("none") } }),
});

const app = new App();
app.on(api, {
  list: ({ query }) => [{ code: (query.tag ?? []).join("+"), price: query.page }],
  show: ({ params }) => {
    if (params.code === "000000") throw new HttpError(404, "STOCK_UNKNOWN", "There is no such stock");
    return { code: params.code, price: 1 };
  },
  follow: ({ params, json }) => ({ code: params.code, price: json.note.length }),
  rename: ({ params, form }) => ({ id: params.id, ...form }),
  remove: () => null,
  item: ({ params }) => {
    if (params.id === "0") return withStatus(404, { reason: "sold" });
    if (params.id === "1") throw new HttpError(403, "FORBIDDEN_ITEM");
    return { code: params.id, price: 1 };
  },
  tenant: ({ headers }) => `${headers["x-tenant"]} ${headers["x-user"]}`,
});
const fetchApp = toFetch(app);
const options: CallOptions = {
  base: "http://test.localhost/",
  fetch: (input, init) => Promise.resolve(fetchApp(new Request(input, init))),
};

describe("call", () => {
  test("sends path parameters and a query, and gives the response", async () => {
    expect(await call(api.list, {}, options)).toEqual([{ code: "", price: 1 }]);
    expect(await call(api.list, { query: { page: 2, tag: ["a", "b"] } }, options)).toEqual([{ code: "a+b", price: 2 }]);
    const { code }: { code: string } = await call(api.show, { params: { code: "000007" } }, options);
    expect(code).toBe("000007");
  });

  test("sends JSON, forms and headers", async () => {
    const { price } = await call(api.follow, { params: { code: "000007" }, json: { note: "涨涨" } }, options);
    expect(price).toBe(2);
    expect(await call(api.rename, { params: { id: 7 }, form: { name: "安 &", tag: ["a", "b"] } }, options)).toEqual({
      id: 7,
      name: "安 &",
      tag: ["a", "b"],
    });
    expect(await call(api.tenant, { headers: { "x-tenant": "t1" } }, options)).toBe("t1 none");
    expect(await call(api.tenant, { headers: { "x-tenant": "t1", "x-user": undefined } }, options)).toBe("t1 none");
  });

  test("gives null for 204", async () => {
    expect(await call(api.remove, { params: { id: 7 } }, options)).toBeNull();
  });

  test("throws a ClientError with the problem document for a response that is not 2xx", async () => {
    await expect(call(api.show, { params: { code: "000000" } }, options)).rejects.toMatchObject({
      name: "ClientError",
      message: "GET /api/stocks/000000 gave 404: There is no such stock",
      status: 404,
      code: "STOCK_UNKNOWN",
      problem: { title: "Not Found" },
    });
    const invalid = call(api.follow, { params: { code: "000007" }, json: { note: "too long" } }, options);
    await expect(invalid).rejects.toMatchObject({ status: 422, problem: { errors: [{ in: "json", field: "note" }] } });
  });

  test("gives every status that a route declares, and throws a ClientError for any other", async () => {
    const item = (id: string) => call(api.item, { params: { id } }, options);
    expect(await item("7")).toEqual({ status: 200, data: { code: "7", price: 1 } });
    expect(await item("0")).toEqual({ status: 404, data: { reason: "sold" } });
    await expect(item("1")).rejects.toMatchObject({ name: "ClientError", status: 403, code: "FORBIDDEN_ITEM" });
  });

  test("what a route does not take has no spelling", () => {
    const never = () => [
      // @ts-expect-error the parameter is missing
      call(api.show),
      // @ts-expect-error the parameter has another name
      call(api.show, { params: { id: "000007" } }),
      // @ts-expect-error the content is missing
      call(api.follow, { params: { code: "000007" } }),
      // @ts-expect-error the content has another type
      call(api.follow, { params: { code: "000007" }, json: { note: 1 } }),
      // @ts-expect-error the query has another type
      call(api.list, { query: { tag: "a" } }),
      // @ts-expect-error the header is missing
      call(api.tenant),
    ];
    expect(never).toBeTypeOf("function");
  });
});

describe("client", () => {
  test("calls a route by its line, with the table's types alone", async () => {
    const request = client<typeof api>(options);
    const stock: { price: number } = await request("GET /api/stocks/:code(\\d{6})", { params: { code: "000007" } });
    expect(stock.price).toBe(1);
    expect(await request("GET /api/stocks")).toEqual([{ code: "", price: 1 }]);
    const never = () => [
      // @ts-expect-error the table has no such line
      request("GET /api/other"),
      // @ts-expect-error the parameter is missing
      request("DELETE /api/users/:id<int>"),
    ];
    expect(never).toBeTypeOf("function");
  });
});
