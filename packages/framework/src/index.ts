/**
 * The application and what handlers return: routes, layers, views, errors. Routes as values, which a browser may import too, have
 * the entry `@tsgi/framework/route`; each further feature has an entry of its own.
 *
 * @module @tsgi/framework
 */
export { App } from "./app.ts";
export type { AppOptions } from "./app-options.ts";
export { del, get, on, patch, post, put, type RouteDecorator } from "./decorators.ts";
export { HttpError, InputError, type HttpErrorOptions, type InputIssue } from "./errors.ts";
export type { Group, GroupOptions } from "./group.ts";
export { RequestHandler, type ClassHandler, type HandlerClass, type HandlerContext } from "./handlers.ts";
export { Html, html } from "./html.ts";
export { RequestKey } from "./request-key.ts";
export {
  respond,
  withStatus,
  type HandlerResult,
  type Reply,
  type ReplyOptions,
  type StatusResult,
} from "./results.ts";
export { route, routes } from "./route.ts";
export type { PathParams } from "./router/params.ts";
export { RouteError, type RouteErrorCode } from "./router/route-error.ts";
export { TemplateError, type TemplateErrorCode } from "./templates/error.ts";
export type {
  AfterHook,
  BareContext,
  BodyReader,
  Context,
  Layer,
  Middleware,
  Need,
  RenderOptions,
  Route,
  RouteHandler,
  RouteOptions,
  RouteTable,
  UrlFor,
} from "./types.ts";
export type { Fields, InputOf, OutputOf, Responses, Schema } from "./validation/schema.ts";
// Not exported: the class of contexts (an application creates them), the router and the views (they are parts of App).
