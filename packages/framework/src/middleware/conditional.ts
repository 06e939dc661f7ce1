/**
 * Layers for validators and 304 responses (RFC 9110 §8.8, §13), and for `Cache-Control`.
 *
 * @module @tsgi/framework/conditional
 */
import { createHash } from "node:crypto";
import type { IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { cancelUnsentBody } from "@tsgi/gateway-spec/server-kit";
import type { Middleware } from "../types.ts";
import { fieldLines, fieldOf, withFields, type FieldLine } from "../response-fields.ts";
import { isThenable } from "../thenable.ts";

/** Fields that a 304 must or may have (RFC 9110 §15.4.5); those of the content that it does not have are left out. */
const NOT_IN_304: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "content-encoding",
  "content-range",
]);

/**
 * Gives successful responses to GET and HEAD whose content is at hand an `ETag` of its bytes, and sends 304 Not Modified where
 * the client has them already. A response that brings `ETag` or `Last-Modified` of its own is compared by those. The handler
 * runs all the same: what is saved is the transfer. Use it before `compression()` in the order of `app.use`, or after: both work.
 */
export function conditional(): Middleware {
  return (next) => (request, exchange) => {
    const response = next(request, exchange);
    if (request.method !== "GET" && request.method !== "HEAD") return response;
    return isThenable(response) ? response.then((later) => evaluate(request, later)) : evaluate(request, response);
  };
}

function evaluate(request: IncomingRequest, response: OutgoingResponse): OutgoingResponse {
  if (response.status !== 200) return response;
  const given = fieldLines(response.headers);
  if (/\bno-store\b/i.test(fieldOf(given, "cache-control") ?? "")) return response;
  const lines = withEtag(given, response);
  const etag = fieldOf(lines, "etag");
  if (isFresh(request, etag, fieldOf(lines, "last-modified"))) {
    // A file or a stream that is not sent must be closed.
    cancelUnsentBody(response.body);
    return { status: 304, headers: lines.filter(([name]) => !NOT_IN_304.has(name.toLowerCase())), body: null };
  }
  return lines === given ? response : withFields(response, lines);
}

function withEtag(lines: readonly FieldLine[], { body }: OutgoingResponse): readonly FieldLine[] {
  if (fieldOf(lines, "etag") !== null || (typeof body !== "string" && !(body instanceof Uint8Array))) return lines;
  const digest = createHash("sha1").update(body).digest("base64url");
  return [...lines, ["etag", `"${digest}"`]];
}

/** RFC 9110 §13.2.2: If-Modified-Since counts only where there is no If-None-Match. */
function isFresh({ headers }: IncomingRequest, etag: string | null, lastModified: string | null): boolean {
  const noneMatch = headers.get("if-none-match");
  if (noneMatch !== null) {
    if (noneMatch.trim() === "*") return true;
    return etag !== null && [...noneMatch.matchAll(ENTITY_TAG)].some(([, tag]) => tag === etag.replace(/^W\//, ""));
  }
  const since = headers.get("if-modified-since");
  if (since === null || lastModified === null) return false;
  return IMF_FIXDATE.test(since) && Date.parse(lastModified) <= Date.parse(since);
}

/** RFC 9110 §5.6.7, the form that a recipient of our Last-Modified sends back. Others are ignored: the response is then sent whole. */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** RFC 9110 §8.8.3: entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE. If-None-Match compares weakly: without the W/. */
const ENTITY_TAG = /(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

/** How long a cache may use a response, and which caches may. */
export interface CacheOptions {
  /** `public`: shared caches too. `private`: the browser alone, for pages that differ between visitors. Default `private`. */
  readonly scope?: "public" | "private";
  /** How long a cache may use it without a revalidation, in seconds. Default 0: each use needs one. */
  readonly maxAgeSeconds?: number;
  /** How much longer a cache may use it during a revalidation, in seconds (RFC 5861). Default: not at all. */
  readonly staleWhileRevalidateSeconds?: number;
  /** Whether it never changes under this URL (RFC 8246). Default false. */
  readonly immutable?: boolean;
}

/** The value of a `Cache-Control` field (RFC 9111 §5.2.2). `"no-store"` is for what no cache may keep. */
export function cacheControl(options: CacheOptions | "no-store"): string {
  if (options === "no-store") return options;
  const { scope = "private", maxAgeSeconds = 0, staleWhileRevalidateSeconds, immutable = false } = options;
  return [
    scope,
    maxAgeSeconds === 0 ? "no-cache" : `max-age=${maxAgeSeconds}`,
    ...(staleWhileRevalidateSeconds === undefined ? [] : [`stale-while-revalidate=${staleWhileRevalidateSeconds}`]),
    ...(immutable ? ["immutable"] : []),
  ].join(", ");
}
