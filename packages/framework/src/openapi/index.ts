/**
 * An OpenAPI 3.1 document from an application's routes, and a page that shows it.
 *
 * @module @tsgi/framework/openapi
 */
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
