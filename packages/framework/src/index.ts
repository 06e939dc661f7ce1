/** The framework's front door. Databases have their own entries: `@tsgi/framework/database`, `/mysql`, `/sqlite`. */
export { App, type AppOptions, type Middleware } from "./app.ts";
export type { Context, RenderOptions } from "./context.ts";
export { del, get, patch, post, put, route, type RouteDecorator } from "./decorators.ts";
export { HttpError, RouteError, type HttpErrorOptions, type RouteErrorCode } from "./errors.ts";
export type { HandlerResult, ReplyOptions } from "./results.ts";
export type { ClassHandler, Route, RouteHandler, RouteOptions } from "./route.ts";
export type { PathParams } from "./router/params.ts";
export { TemplateError, type TemplateErrorCode } from "./templates/error.ts";
// Not exported: Context as a class (an application makes them), the router and the views (they are App's own parts).
