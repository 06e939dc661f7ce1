/** A route as a value: what `app.add`, the shorthands and the decorators all come down to. */
import type { Awaitable } from "@tsgi/gateway-spec";
import type { Context } from "./context.ts";
import type { HandlerResult } from "./results.ts";
import type { PathParams } from "./router/params.ts";

export interface RouteOptions {
  /** For `urlFor`. Routes of one path may share a name. */
  readonly name?: string;
}

/** What answers a request on a path. The context's type must not ask for a parameter that the path does not have. */
export type RouteHandler<Path extends string = string, State = unknown> = (
  context: Context<PathParams<Path>, State>,
) => Awaitable<HandlerResult>;

export interface Route<Path extends string = string, State = unknown> extends RouteOptions {
  /** Case-sensitive: `GET`. */
  readonly method: string;
  readonly path: Path;
  readonly handler: RouteHandler<Path, State>;
}

/**
 * A class with a method for each request method, all on one pattern, in the manner of Tornado: `app.handle("/users/:id", new
 * UserHandler(users))`. They are properties here, not methods, so that their parameters are checked strictly.
 */
export type ClassHandler<Path extends string = string, State = unknown> = {
  readonly [Name in ClassMethod]?: RouteHandler<Path, State>;
};

export const CLASS_METHODS = ["get", "head", "post", "put", "patch", "delete", "options"] as const;
type ClassMethod = (typeof CLASS_METHODS)[number];
