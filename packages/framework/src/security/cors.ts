/** Cross-origin resource sharing: which pages of other origins may read our responses (Fetch Standard §3.2). */
import type { OutgoingResponse } from "@tsgi/gateway-spec";
import type { Middleware } from "../types.ts";
import { addVary, fieldLines, withFields, type FieldLine } from "../response-fields.ts";
import { isThenable } from "../thenable.ts";
import { toOrigins } from "./csrf.ts";
import { responseOnly } from "./response-only.ts";

/** Which pages of other origins may read responses, and what of them (Fetch Standard §3.2). */
export interface CorsOptions {
  /** The origins that may read responses, such as `https://app.example.com`; `*` is every one, and goes without credentials. */
  readonly origins: readonly string[] | "*";
  /** Default: the method that the browser asks for. */
  readonly methods?: readonly string[];
  /** Request header fields beyond the safelisted ones, such as `content-type`. Default: those that the browser asks for. */
  readonly allowHeaders?: readonly string[];
  /** Response header fields that a page may read beyond the safelisted ones. Default: none. */
  readonly exposeHeaders?: readonly string[];
  /** Whether requests with cookies may be read. Needs a list of origins. Default false. */
  readonly credentials?: boolean;
  /** How long a browser may remember a preflight, in seconds. Default 600. */
  readonly maxAgeSeconds?: number;
}

/**
 * Responds to preflight requests and adds the fields to all others. Unsafe requests of these origins also pass the CSRF check only
 * where the application names them: `new App({ security: { csrf: { trustedOrigins: [...] } } })`.
 * @throws TypeError for `*` with credentials, which browsers refuse, and for a text that is no origin.
 */
export function cors(options: CorsOptions): Middleware {
  const { origins, credentials = false, exposeHeaders = [], maxAgeSeconds = 600 } = options;
  if (origins === "*" && credentials) {
    throw new TypeError('cors: origins "*" does not go with credentials: list the origins that may send cookies');
  }
  const listed = origins === "*" ? null : toOrigins(origins);
  const allowed = (origin: string) => listed === null || listed.has(origin);

  const sharing = (origin: string): readonly FieldLine[] => [
    ["access-control-allow-origin", origins === "*" ? "*" : origin],
    ...(credentials ? [["access-control-allow-credentials", "true"] as const] : []),
  ];
  const share = (response: OutgoingResponse, origin: string | null): OutgoingResponse => {
    const lines = fieldLines(response.headers);
    // A cache must not give one origin's response to another, nor one without the fields (RFC 9110 §12.5.5).
    const varied = origins === "*" ? lines : addVary(lines, "Origin");
    if (origin === null || !allowed(origin)) return varied === lines ? response : withFields(response, varied);
    const exposed: readonly FieldLine[] =
      exposeHeaders.length === 0 ? [] : [["access-control-expose-headers", exposeHeaders.join(", ")]];
    return withFields(response, [...varied, ...sharing(origin), ...exposed]);
  };

  const middleware: Middleware = (next) => (request, exchange) => {
    const { headers } = request;
    const origin = headers.get("origin");
    const method = headers.get("access-control-request-method");
    if (request.method === "OPTIONS" && origin !== null && method !== null) {
      const asked = headers.get("access-control-request-headers");
      const allowHeaders = options.allowHeaders?.join(", ") ?? asked;
      const vary: FieldLine = ["vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"];
      if (!allowed(origin)) return { status: 204, headers: [vary] };
      return {
        status: 204,
        headers: [
          vary,
          ...sharing(origin),
          ["access-control-allow-methods", options.methods?.join(", ") ?? method],
          ...(allowHeaders === null ? [] : [["access-control-allow-headers", allowHeaders] as const]),
          ["access-control-max-age", String(maxAgeSeconds)],
        ],
      };
    }
    const response = next(request, exchange);
    return isThenable(response) ? response.then((later) => share(later, origin)) : share(response, origin);
  };
  // Pages of the origins may read why a request was rejected.
  return responseOnly(middleware);
}
