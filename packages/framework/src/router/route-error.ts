/** The error of a route that cannot be registered or built. It imports nothing: `@tsgi/framework/route` runs in browsers. */

/** The codes of {@link RouteError}; `docs/errors.md` says what to do about each. */
export type RouteErrorCode =
  /** The path does not follow the grammar of routes. */
  | "ROUTE_PATH_INVALID"
  /** Another route has the same method and matches the same paths. */
  | "ROUTE_CONFLICT"
  /** Another path has the name. */
  | "ROUTE_NAME_CONFLICT"
  /** No route has the name, or several paths have it. */
  | "ROUTE_NAME_UNKNOWN"
  /** A value for a URL is missing, unknown, or would not be read back as it was given. */
  | "ROUTE_PARAM_INVALID"
  /** The route's options contradict each other or its path. */
  | "ROUTE_OPTIONS_INVALID"
  /** A handler is missing, or an object or class has no routes. */
  | "ROUTE_NONE"
  /** A route decorator was used on something other than a method, or in the legacy form. */
  | "ROUTE_DECORATOR_INVALID";

/** A mistake in the program, never the client's. */
export class RouteError extends Error {
  override readonly name = "RouteError";
  readonly code: RouteErrorCode;

  constructor(code: RouteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
