/**
 * Cross-site request forgery: a page of another site makes the visitor's browser send a request that carries our cookies. The
 * browser itself says where a request comes from, so no token is needed (decision record "CSRF without tokens"):
 *
 * 1. `Sec-Fetch-Site` (Fetch Metadata), sent by every browser since 2023: only `same-origin` and `none` pass.
 * 2. Else `Origin` (RFC 6454 §7), sent with every unsafe request by browsers since 2020: its host must be ours.
 * 3. Else `Referer`, for older browsers: its host must be ours.
 * 4. A request with none of the three does not come from a browser's page, and passes.
 */
import type { IncomingRequest } from "@tsgi/gateway-spec";
import type { Middleware } from "../types.ts";
import { HttpError } from "../errors.ts";

/** Which origins may send unsafe requests beside the application's own. */
export interface CsrfOptions {
  /** Other origins whose pages may send unsafe requests, such as `https://admin.example.com`. Default: none. */
  readonly trustedOrigins?: readonly string[];
}

/** RFC 9110 §9.2.1: safe methods change nothing, so a forged one does no harm. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * Rejects unsafe requests that a page of another site has made, with 403 `CROSS_SITE_REQUEST`.
 * @throws TypeError for an origin that is not one.
 */
export function csrfProtection({ trustedOrigins = [] }: CsrfOptions = {}): Middleware {
  const trusted = toOrigins(trustedOrigins);
  return (next) => (request, exchange) => {
    if (!SAFE_METHODS.has(request.method) && isCrossSite(request, trusted)) {
      throw new HttpError(403, "CROSS_SITE_REQUEST", "This request comes from a page of another site");
    }
    return next(request, exchange);
  };
}

/** Whether a page of another origin has made the request, as far as its browser says. */
export function isCrossSite(request: Pick<IncomingRequest, "headers" | "url">, trusted: ReadonlySet<string>): boolean {
  const { headers } = request;
  const origin = headers.get("origin");
  if (origin !== null && trusted.has(origin)) return false;
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const source = origin ?? headers.get("referer");
  // The scheme is not compared: behind a proxy that ends TLS, ours may not be known.
  return source !== null && hostOf(source) !== hostOf(request.url);
}

/** Host and port, or `null` where there is none: `Origin: null` comes from a sandboxed page. */
function hostOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).host : null;
}

/** @throws TypeError for a text that is no origin. */
export function toOrigins(texts: readonly string[]): ReadonlySet<string> {
  return new Set(texts.map((text) => toOrigin(text)));
}

function toOrigin(text: string): string {
  const url = URL.parse(text);
  // Of a scheme such as `capacitor:` the origin is opaque to URL; a web view sends its scheme and host.
  const origin = url?.origin === "null" ? `${url.protocol}//${url.host}` : url?.origin;
  if (origin === undefined || origin !== text.replace(/\/$/, "")) {
    throw new TypeError(
      `"${text}" is not an origin: write scheme, host and port only, such as https://admin.example.com`,
    );
  }
  return origin;
}
