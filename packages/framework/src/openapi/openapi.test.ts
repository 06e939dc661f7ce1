import { validate } from "@readme/openapi-parser";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { App } from "../app.ts";
import { route } from "../route.ts";
import { testClient } from "../testing/index.ts";
import { upload, uploads } from "../uploads/index.ts";
import { docs, openApiDocument, type OpenApiDocument } from "./index.ts";

const Stock = z
  .object({ code: z.string(), price: z.number().nullable(), at: z.date().optional() })
  .meta({ id: "Stock", description: "A stock" });
const Tree: z.ZodType = z.lazy(() => z.object({ children: z.array(Tree) })).meta({ id: "Tree" });

const ROUTES = [
  route("GET /api/stocks", {
    query: { page: z.coerce.number().int().min(1).default(1), q: z.string().optional(), tag: z.array(z.string()) },
    headers: { "x-tenant": z.string() },
    cookies: { theme: z.enum(["light", "dark"]).optional() },
    response: z.array(Stock),
    summary: "The stocks",
  }),
  route("POST /api/stocks/:code(\\d{6})/follow", {
    json: z.object({ note: z.string() }),
    response: Stock,
    status: 201,
    name: "follow",
  }),
  route("PUT /api/users/:id<int>.json", {
    params: { id: z.int().min(1) },
    form: { name: z.string(), age: z.coerce.number().optional() },
  }),
  route("DELETE /api/files/*path", { status: 204 }),
  route("GET /api/tree", { response: Tree }),
  route("POST /api/items/:id", { response: { 200: Stock, 404: z.object({ reason: z.string() }), 204: z.null() } }),
  route("POST /api/avatar", { needs: { picture: upload("picture", { types: ["image/png", "image/*"] }) } }),
  route("POST /api/album", { needs: { sent: uploads({ fields: { title: z.string().min(1) } }) } }),
];

describe("openApiDocument", () => {
  const document = openApiDocument(ROUTES, { title: "Stocks", version: "1.0.0", servers: ["https://api.example"] });

  test("is valid by the schema of OpenAPI 3.1, and its schemas by the meta-schema of JSON Schema", async () => {
    // The validator resolves references in place.
    expect(await validate(structuredClone(document) as never)).toMatchObject({ valid: true });
    const ajv = new Ajv2020({ strict: false });
    for (const schema of schemasIn(document)) expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
    expect(ajv.validateSchema({ type: "objekt" })).toBe(false);
  });

  test("has the routes by path and method", () => {
    expect(Object.entries(document.paths).map(([path, item]) => [path, Object.keys(item)])).toEqual([
      ["/api/stocks", ["get"]],
      ["/api/stocks/{code}/follow", ["post"]],
      ["/api/users/{id}.json", ["put"]],
      ["/api/files/{path}", ["delete"]],
      ["/api/tree", ["get"]],
      ["/api/items/{id}", ["post"]],
      ["/api/avatar", ["post"]],
      ["/api/album", ["post"]],
    ]);
  });

  test("describes query, headers and cookies by their schemas", () => {
    expect(document.paths["/api/stocks"]?.["get"]?.parameters).toEqual([
      {
        name: "page",
        in: "query",
        required: false,
        schema: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER, default: 1 },
      },
      { name: "q", in: "query", required: false, schema: { type: "string" } },
      { name: "tag", in: "query", required: true, schema: { type: "array", items: { type: "string" } } },
      { name: "x-tenant", in: "header", required: true, schema: { type: "string" } },
      { name: "theme", in: "cookie", required: false, schema: { type: "string", enum: ["light", "dark"] } },
    ]);
  });

  test("describes path parameters with and without a schema", () => {
    const parameter = (path: string, method: string) => document.paths[path]?.[method]?.parameters?.[0];
    expect(parameter("/api/stocks/{code}/follow", "post")).toEqual({
      name: "code",
      in: "path",
      required: true,
      schema: { type: "string" },
    });
    expect(parameter("/api/users/{id}.json", "put")).toMatchObject({
      in: "path",
      schema: { type: "integer", minimum: 1 },
    });
  });

  test("describes content, responses and the problem of invalid input", () => {
    const follow = document.paths["/api/stocks/{code}/follow"]?.["post"];
    expect(follow?.operationId).toBe("follow");
    expect(follow?.requestBody?.content["application/json"]?.schema).toMatchObject({ required: ["note"] });
    expect(follow?.responses["201"]).toEqual({
      description: "Created",
      content: { "application/json": { schema: { $ref: "#/components/schemas/Stock" } } },
    });
    expect(follow?.responses["422"]?.content).toHaveProperty(["application/problem+json"]);
    const put = document.paths["/api/users/{id}.json"]?.["put"];
    expect(put?.requestBody?.content["application/x-www-form-urlencoded"]?.schema).toMatchObject({
      required: ["name"],
    });
    expect(document.paths["/api/tree"]?.["get"]?.responses["422"]).toBeUndefined();
  });

  test("describes a schema for each status", () => {
    const { responses } = document.paths["/api/items/{id}"]?.["post"] ?? {};
    expect(responses?.["200"]?.content?.["application/json"]?.schema).toEqual({ $ref: "#/components/schemas/Stock" });
    expect(responses?.["404"]).toMatchObject({
      description: "Not Found",
      content: { "application/json": { schema: { required: ["reason"] } } },
    });
    expect(responses?.["204"]).toEqual({ description: "No Content" });
  });

  test("describes the form that a need reads, with its fields, its file and the types of the file", () => {
    const content = (path: string) => document.paths[path]?.["post"]?.requestBody?.content["multipart/form-data"];
    const file = { type: "string", format: "binary", contentMediaType: "application/octet-stream" };
    expect(content("/api/avatar")).toEqual({
      schema: { type: "object", properties: { picture: file }, required: ["picture"] },
      encoding: { picture: { contentType: "image/png, image/*" } },
    });
    expect(content("/api/album")?.schema).toEqual({
      type: "object",
      properties: { title: { type: "string", minLength: 1 } },
      required: ["title"],
      additionalProperties: file,
    });
  });

  test("puts named schemas into the components once, dates as text, references among them", () => {
    expect(Object.keys(document.components.schemas)).toEqual(["Stock", "Tree", "Problem"]);
    expect(document.components.schemas["Stock"]).toMatchObject({
      description: "A stock",
      properties: { at: { type: "string", format: "date-time" } },
    });
    expect(JSON.stringify(document)).not.toMatch(/"\$defs"|"\$schema"|"id":/);
    expect(document.components.schemas["Tree"]).toMatchObject({
      properties: { children: { items: { $ref: "#/components/schemas/Tree" } } },
    });
  });

  test("gives a schema that takes and gives different things two names", () => {
    const Item = z.object({ at: z.string().default("now") }).meta({ id: "Item" });
    const { components } = openApiDocument([route("POST /", { json: Item, response: Item })], {
      title: "x",
      version: "1",
    });
    expect(Object.keys(components.schemas)).toEqual(["Item", "ItemOutput", "Problem"]);
  });

  test("gives each operation an id of its own", () => {
    const { paths } = openApiDocument([route("GET /a/b"), route("GET /a-b")], { title: "x", version: "1" });
    expect(Object.values(paths).map((item) => item["get"]?.operationId)).toEqual(["getAB", "getAB2"]);
  });

  test("a schema of another library allows everything", () => {
    const schema = { "~standard": { version: 1, vendor: "other", validate: (value: unknown) => ({ value }) } } as const;
    const { paths } = openApiDocument([route("POST /", { json: schema, query: { a: schema } })], {
      title: "x",
      version: "1",
    });
    expect(paths["/"]?.["post"]?.requestBody?.content["application/json"]?.schema).toEqual({});
    expect(paths["/"]?.["post"]?.parameters).toHaveLength(1);
  });
});

/** Every schema of a document: the components, and those of parameters and contents. */
function schemasIn(value: unknown): readonly object[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    if (key === "schemas") return Object.values(member as Record<string, object>);
    return key === "schema" ? [member as object] : schemasIn(member);
  });
}

describe("docs", () => {
  const app = new App();
  app.get("/page.html", () => "a page");
  docs(app, { title: "Stocks <1>", version: "1.0.0" });
  app.get("/api/late", { response: Stock }, () => ({ code: "000007", price: null }));

  test("serves the document with routes that were added later, without pages", async () => {
    await using client = await testClient(app);
    const response = await client.get("/openapi.json");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(Object.keys((response.json() as OpenApiDocument).paths)).toEqual(["/api/late"]);
  });

  test("serves a page whose every address is on this site, and no inline script or style", async () => {
    await using client = await testClient(app);
    const text = (await client.get("/docs")).text();
    expect(text).toContain("<title>Stocks &lt;1&gt;</title>");
    const addresses = [...text.matchAll(/(?:src|href|data-url)="([^"]*)"/g)].map(([, address = ""]) => address);
    expect(addresses).toHaveLength(5);
    for (const address of addresses) expect((await client.get(address)).status, address).toBe(200);
    expect(text).not.toMatch(/<script>|<style|style="/);
  });

  test("does not collide with two documents of one application", async () => {
    const two = new App();
    docs(two, { title: "a", version: "1", documentPath: "/a.json", path: null });
    docs(two, { title: "b", version: "1", documentPath: "/b.json", path: "/b-docs" });
    await using client = await testClient(two);
    expect((await client.get("/docs")).status).toBe(404);
    expect((await client.get("/b-docs")).status).toBe(200);
  });
});
