/** The errors of this package: what a client did wrong, and what the program did wrong when it was set up. */
import { STATUS_CODES } from "node:http";
import type { HeaderFields } from "@tsgi/gateway-spec";

export interface HttpErrorOptions extends ErrorOptions {
  /** Further header fields of the answer, such as `retry-after`. */
  readonly headers?: HeaderFields;
}

/**
 * Throw one to answer with an error status. The client sees the status, the code and the message, so write the message for its
 * reader; it never sees the cause. From 500 up it is logged too.
 */
export class HttpError extends Error {
  override readonly name = "HttpError";
  /** 400–599. */
  readonly status: number;
  /** Stable, upper-case, for programs: `STOCK_UNKNOWN`. */
  readonly code: string;
  readonly headers: HeaderFields;

  /** @param message default: the status's own phrase, such as `Not Found`. */
  constructor(status: number, code: string, message: string = phraseOf(status), options: HttpErrorOptions = {}) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
  }
}

export type RouteErrorCode =
  /** The path does not follow the grammar of routes. */
  | "ROUTE_PATH_INVALID"
  /** Another route answers the same method on the same paths. */
  | "ROUTE_CONFLICT"
  /** The name is taken by another path. */
  | "ROUTE_NAME_CONFLICT"
  /** No route has the name. */
  | "ROUTE_NAME_UNKNOWN"
  /** A parameter is missing, is not one of the path's, or would not be read back as it was given. */
  | "ROUTE_PARAM_INVALID"
  /** An object was given for its routes, and has none. */
  | "ROUTE_NONE";

/** A route that cannot be registered, or a URL that cannot be built: a mistake in the program, never the client's. */
export class RouteError extends Error {
  override readonly name = "RouteError";
  readonly code: RouteErrorCode;

  constructor(code: RouteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The phrase that stands for a status (RFC 9110 §15), such as `Not Found`. */
export function phraseOf(status: number): string {
  return STATUS_CODES[status] ?? "Error";
}
