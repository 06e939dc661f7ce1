/** Header fields that make a browser strict about a site's pages. What a handler has set itself is kept. */
import { randomBytes } from "node:crypto";
import type { Exchange, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import type { Middleware } from "../types.ts";
import { RequestKey } from "../request-key.ts";
import { fieldLines, fieldOf, withFields, type FieldLine } from "../response-fields.ts";
import { JSON_FIELDS, TEXT_FIELDS } from "../results.ts";
import { isThenable } from "../thenable.ts";

/** Changes of the security header fields. Each member has a safe default. */
export interface SecurityHeaderOptions {
  /**
   * Directives of the Content-Security-Policy of HTML pages, over the defaults; `null` drops one, `false` sends no policy.
   * `'nonce'` in a value stands for the request's nonce (see {@link cspNonce}).
   */
  readonly contentSecurityPolicy?: Readonly<Record<string, string | null>> | false;
  /**
   * Seconds for `Strict-Transport-Security` (RFC 6797), sent over HTTPS only and never for `localhost` or an IP address. It has
   * `includeSubDomains`: browsers then use HTTPS for every name below the host too. `false` sends none. Default 31,536,000, a year.
   */
  readonly hstsMaxAgeSeconds?: number | false;
  /** Default `strict-origin-when-cross-origin`. */
  readonly referrerPolicy?: string;
}

/** Scripts, styles, images and connections of this site only; inline scripts and styles with the nonce only; no framing. */
const DEFAULT_POLICY: Readonly<Record<string, string>> = {
  "default-src": "'self'",
  "script-src": "'self' 'nonce'",
  "style-src": "'self' 'nonce'",
  "img-src": "'self' data:",
  "object-src": "'none'",
  "base-uri": "'self'",
  "form-action": "'self'",
  "frame-ancestors": "'none'",
};

const nonces = new RequestKey<string>("CSP nonce");

/** The nonce of this request, for `<script nonce>` and `<style nonce>`. The page's policy names it once it was asked for. */
export function cspNonce(exchange: object): string {
  let nonce = nonces.get(exchange);
  if (nonce === undefined) {
    nonce = randomBytes(16).toString("base64url");
    nonces.set(exchange, nonce);
  }
  return nonce;
}

/**
 * Adds `X-Content-Type-Options: nosniff` to every response, and to HTML pages a Content-Security-Policy, a referrer policy and
 * the isolation from other windows and frames.
 */
export function securityHeaders(options: SecurityHeaderOptions = {}): Middleware {
  const pageFields = pageFieldsOf(options);
  const policy = policyOf(options.contentSecurityPolicy ?? {});
  const hstsSeconds = options.hstsMaxAgeSeconds ?? 31_536_000;
  const hsts: FieldLine | null =
    hstsSeconds === false ? null : ["strict-transport-security", `max-age=${hstsSeconds}; includeSubDomains`];

  const secure = (response: OutgoingResponse, request: IncomingRequest, exchange: Exchange): OutgoingResponse => {
    const { status, headers } = response;
    // Results that are text or JSON have what is added over HTTP, and the 101 of a WebSocket goes to no page.
    if (((headers === JSON_FIELDS || headers === TEXT_FIELDS) && !exchange.encrypted) || status === 101)
      return response;
    const lines = fieldLines(headers);
    const added: FieldLine[] = [NO_SNIFF];
    if (hsts !== null && exchange.encrypted && !isLocal(request.url)) added.push(hsts);
    if (fieldOf(lines, "content-type")?.toLowerCase().startsWith("text/html") === true) {
      added.push(...pageFields);
      if (policy !== null) added.push(["content-security-policy", policy(exchange)]);
    }
    const missing = added.filter(([name]) => fieldOf(lines, name) === null);
    return missing.length === 0 ? response : withFields(response, [...lines, ...missing]);
  };

  return (next) => (request, exchange) => {
    const response = next(request, exchange);
    return isThenable(response)
      ? response.then((later) => secure(later, request, exchange))
      : secure(response, request, exchange);
  };
}

const NO_SNIFF: FieldLine = ["x-content-type-options", "nosniff"];

function pageFieldsOf({
  referrerPolicy = "strict-origin-when-cross-origin",
}: SecurityHeaderOptions): readonly FieldLine[] {
  return [
    ["referrer-policy", referrerPolicy],
    ["cross-origin-opener-policy", "same-origin"],
    ["cross-origin-resource-policy", "same-origin"],
    // For browsers that do not know frame-ancestors.
    ["x-frame-options", "DENY"],
  ];
}

/** The policy as a function of the exchange, or `null` where there is none. */
function policyOf(given: Readonly<Record<string, string | null>> | false): ((exchange: object) => string) | null {
  if (given === false) return null;
  const template = Object.entries({ ...DEFAULT_POLICY, ...given })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => (value === "" ? name : `${name} ${value}`))
    .join("; ");
  const withoutNonce = template.replaceAll(" 'nonce'", "");
  return (exchange) => {
    const nonce = nonces.get(exchange);
    return nonce === undefined ? withoutNonce : template.replaceAll("'nonce'", `'nonce-${nonce}'`);
  };
}

/** RFC 6797 §8.1.1 excludes IP addresses; a browser that once took it for `localhost` would refuse every other program there. */
function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname.endsWith(".localhost") || /^[\d.]+$|^\[/.test(hostname);
}
