/** `@tsgi/framework/openapi`: an OpenAPI 3.1 document from an application's routes, and a page that shows it. */
export { docs, type DocsOptions } from "./docs.ts";
export {
  openApiDocument,
  type DocumentedRoute,
  type DocumentInfo,
  type OpenApiDocument,
  type Operation,
  type Parameter,
} from "./document.ts";
export type { JsonSchema } from "./json-schema.ts";
