/** An OpenAPI 3.1 document from routes: what they validate is what the document says. */
import { phraseOf } from "../errors.ts";
import { multipartOf, type MultipartContent } from "../need-content.ts";
import { parsePath, type Segment } from "../router/path.ts";
import type { RouteOptions } from "../types.ts";
import { schemasByStatus, type Fields } from "../validation/schema.ts";
import { SchemaConverter, type Direction, type JsonSchema } from "./json-schema.ts";

/** What the document says of the API as a whole. */
export interface DocumentInfo {
  /** The name of the API. */
  readonly title: string;
  /** Of the API, such as `1.0.0`. */
  readonly version: string;
  /** In Markdown. */
  readonly description?: string;
  /** Where the API is, where that is not the document's own origin. */
  readonly servers?: readonly string[];
}

/** A route as far as the document shows it. */
export interface DocumentedRoute {
  /** In upper case. */
  readonly method: string;
  /** As the route has it; the document has the parameters in braces. */
  readonly path: string;
  readonly options: Pick<
    RouteOptions,
    "name" | "summary" | "status" | "params" | "query" | "headers" | "cookies" | "form" | "json" | "response" | "needs"
  >;
}

/** An OpenAPI 3.1 document, as far as this package writes one. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly servers?: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** One method of a path. */
export interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

/** A parameter of the path, the query, the header or a cookie. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly required: boolean;
  readonly schema: JsonSchema;
}

type Content = Readonly<Record<string, MediaType>>;

/** The schema of a content, and the media types of the files in a form. */
export interface MediaType {
  readonly schema: JsonSchema;
  readonly encoding?: Readonly<Record<string, { readonly contentType: string }>>;
}

/** The methods that a path item has a member for (OpenAPI 3.1 §4.8.9). */
const DOCUMENTED_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "PUT",
  "POST",
  "DELETE",
  "OPTIONS",
  "HEAD",
  "PATCH",
  "TRACE",
]);

/**
 * The OpenAPI document of some routes. {@link docs} serves that of an application.
 * @throws TypeError where two different schemas have one id.
 */
export function openApiDocument(routes: Iterable<DocumentedRoute>, info: DocumentInfo): OpenApiDocument {
  const converter = new SchemaConverter();
  const paths: Record<string, Record<string, Operation>> = {};
  const ids = new Set<string>();
  for (const route of routes) {
    if (!DOCUMENTED_METHODS.has(route.method)) continue;
    const template = templateOf(route.path);
    const item = (paths[template] ??= {});
    item[route.method.toLowerCase()] ??= operationOf(route, converter, ids);
  }
  const { title, version, description, servers } = info;
  return {
    openapi: "3.1.0",
    info: { title, version, ...(description === undefined ? {} : { description }) },
    ...(servers === undefined ? {} : { servers: servers.map((url) => ({ url })) }),
    paths,
    components: { schemas: { ...converter.components, Problem: PROBLEM } },
  };
}

function operationOf(
  { method, path, options }: DocumentedRoute,
  converter: SchemaConverter,
  ids: Set<string>,
): Operation {
  const { summary } = options;
  const parameters = parametersOf(path, options, converter);
  const requestContent = requestContentOf(options, converter);
  return {
    operationId: uniqueId(options.name ?? idOf(method, path), ids),
    ...(summary === undefined ? {} : { summary }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(requestContent === null ? {} : { requestBody: { required: true, content: requestContent } }),
    responses: {
      ...(parameters.length > 0 || requestContent !== null
        ? { "422": problem("The input is not valid; the document lists every wrong field") }
        : {}),
      ...responsesOf(options, converter),
      default: problem("An error"),
    },
  };
}

function requestContentOf(
  { json, form, needs = {} }: DocumentedRoute["options"],
  converter: SchemaConverter,
): Content | null {
  if (json !== undefined) return { "application/json": { schema: converter.convert(json, "input") } };
  if (form !== undefined) {
    return { "application/x-www-form-urlencoded": { schema: objectOf(form, "input", converter) } };
  }
  for (const need of Object.values(needs)) {
    const multipart = multipartOf(need);
    if (multipart !== undefined) return { "multipart/form-data": multipartType(multipart, converter) };
  }
  return null;
}

function multipartType({ fields = {}, file, types }: MultipartContent, converter: SchemaConverter): MediaType {
  const { properties, required = [], ...others } = objectOf(fields, "input", converter);
  if (file === undefined) return { schema: { ...others, properties, required, additionalProperties: FILE } };
  return {
    schema: { ...others, properties: { [file]: FILE }, required: [file] },
    ...(types === undefined ? {} : { encoding: { [file]: { contentType: types.join(", ") } } }),
  };
}

/** `format` is for tools that know OpenAPI 3.0 only. */
const FILE: JsonSchema = { type: "string", format: "binary", contentMediaType: "application/octet-stream" };

function responsesOf(
  { response, status = 200 }: DocumentedRoute["options"],
  converter: SchemaConverter,
): Operation["responses"] {
  if (response === undefined) return { [status]: { description: phraseOf(status) } };
  return Object.fromEntries(
    schemasByStatus(response, status).map(([code, schema]) => [
      code,
      {
        description: phraseOf(code),
        ...(code === 204 ? {} : { content: { "application/json": { schema: converter.convert(schema, "output") } } }),
      },
    ]),
  );
}

function parametersOf(
  path: string,
  options: DocumentedRoute["options"],
  converter: SchemaConverter,
): readonly Parameter[] {
  const { names, integers } = parsePath(path);
  const checked = new Map(
    (options.params === undefined ? [] : converter.fields(options.params, "input")).map(({ name, schema }) => [
      name,
      schema,
    ]),
  );
  return [
    ...names.map((name): Parameter => ({
      name,
      in: "path",
      // OpenAPI 3.1 §4.8.12.2: "REQUIRED if the parameter location is "path" and its value MUST be true".
      required: true,
      schema: checked.get(name) ?? { type: integers.has(name) ? "integer" : "string" },
    })),
    ...partParameters("query", options.query, converter),
    ...partParameters("header", options.headers, converter),
    ...partParameters("cookie", options.cookies, converter),
  ];
}

function partParameters(
  where: Parameter["in"],
  fields: Fields | undefined,
  converter: SchemaConverter,
): readonly Parameter[] {
  if (fields === undefined) return [];
  return converter
    .fields(fields, "input")
    .map(({ name, schema, isRequired }) => ({ name, in: where, required: isRequired, schema }));
}

function objectOf(fields: Fields, direction: Direction, converter: SchemaConverter): JsonSchema {
  const list = converter.fields(fields, direction);
  const required = list.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  return {
    type: "object",
    properties: Object.fromEntries(list.map(({ name, schema }) => [name, schema])),
    ...(required.length === 0 ? {} : { required }),
  };
}

function problem(description: string): Operation["responses"][string] {
  return { description, content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } };
}

/** RFC 9457, with the members that the framework adds. */
const PROBLEM: JsonSchema = {
  type: "object",
  properties: {
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", description: "Stable, for programs" },
    errors: {
      type: "array",
      items: {
        type: "object",
        properties: { in: { type: "string" }, field: { type: "string" }, message: { type: "string" } },
        required: ["in", "field", "message"],
      },
    },
  },
  required: ["title", "status", "code"],
};

/** `/users/:id<int>/:code(\\d{6}).html` as `/users/{id}/{code}.html`. */
function templateOf(path: string): string {
  return parsePath(path)
    .segments.map((segment) => `/${segmentTemplate(segment)}`)
    .join("");
}

function segmentTemplate(segment: Segment): string {
  if (segment.kind === "text") return segment.text;
  if (segment.kind !== "pattern") return `{${segment.name}}`;
  return segment.parts.map((part) => (part.kind === "text" ? part.text : `{${part.name}}`)).join("");
}

/** `GET /api/stocks/:code` as `getApiStocksCode`. */
function idOf(method: string, path: string): string {
  const words = templateOf(path)
    .split(/\W+/)
    .filter((word) => word !== "");
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

function uniqueId(wanted: string, ids: Set<string>): string {
  let id = wanted;
  for (let i = 2; ids.has(id); i++) id = `${wanted}${i}`;
  ids.add(id);
  return id;
}
