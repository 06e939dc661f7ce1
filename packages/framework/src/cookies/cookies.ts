/** Cookies: reading `Cookie`, writing `Set-Cookie`. The defaults are the safe ones (RFC 6265bis §4.1.2, §4.1.3). */
import type { IncomingRequest } from "@tsgi/gateway-spec";
import { parseCookie, stringifySetCookie } from "cookie";

/** The attributes of a cookie (RFC 6265bis §4.1.2). */
export interface CookieOptions {
  /** Seconds until the browser forgets the cookie, a whole number. Default: until the browser closes. */
  readonly maxAgeSeconds?: number;
  /** Default `/`. */
  readonly path?: string;
  /** Default: this host only. A name that begins with `__Host-` allows no other. */
  readonly domain?: string;
  /** Whether scripts of the page cannot read it. Default true. */
  readonly httpOnly?: boolean;
  /**
   * Whether it goes over HTTPS only. Default true: browsers other than Safari make an exception for `localhost`. Set
   * false where the site is plain HTTP on another host.
   */
  readonly secure?: boolean;
  /** Whether requests from other sites carry it. Default `lax`: only a link to a page does. */
  readonly sameSite?: "strict" | "lax" | "none";
  /** Whether it is kept apart for each embedding site (CHIPS); needs `secure`. Default false. */
  readonly partitioned?: boolean;
}

/** The cookies of a request, decoded. Where a name comes twice, the first one counts: it has the longer path (RFC 6265 §5.4). */
export function readCookies(request: Pick<IncomingRequest, "headers">): ReadonlyMap<string, string> {
  const field = request.headers.get("cookie");
  const cookies = new Map<string, string>();
  if (field === null) return cookies;
  for (const [name, value] of Object.entries(parseCookie(field))) if (value !== undefined) cookies.set(name, value);
  return cookies;
}

/**
 * The value of a `Set-Cookie` field.
 * @param value any text; what a cookie cannot hold is percent-encoded.
 * @throws TypeError for a name, domain, path or time that no cookie can have, and for options that a browser does not accept
 * together, such as a `__Host-` name with a domain, or `sameSite: "none"` without `secure`: it would drop the cookie silently.
 */
export function writeCookie(name: string, value: string, options: CookieOptions = {}): string {
  const { maxAgeSeconds, path = "/", domain, httpOnly = true, secure = true, sameSite = "lax", partitioned } = options;
  if (/^__(?:Host|Secure)-/i.test(name) && !secure) {
    throw new TypeError(`The cookie "${name}" needs secure: true; use a name without the prefix for plain HTTP`);
  }
  if (/^__Host-/i.test(name) && (domain !== undefined || path !== "/")) {
    throw new TypeError(`The cookie "${name}" must have the path "/" and no domain, as its prefix promises`);
  }
  if (sameSite === "none" && !secure)
    throw new TypeError(`The cookie "${name}" with sameSite "none" needs secure: true`);
  if (partitioned === true && !secure) throw new TypeError(`The cookie "${name}" with partitioned needs secure: true`);
  if (maxAgeSeconds !== undefined && !Number.isSafeInteger(maxAgeSeconds)) {
    throw new TypeError(`The cookie "${name}" needs a whole number as maxAgeSeconds, not ${maxAgeSeconds}`);
  }
  return stringifySetCookie({
    name,
    value,
    path,
    httpOnly,
    secure,
    sameSite,
    ...(domain === undefined ? {} : { domain }),
    ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
    ...(partitioned === true ? { partitioned } : {}),
  });
}

/** The value of a `Set-Cookie` field that makes the browser forget a cookie. Path and domain must be those it was set with. */
export function expireCookie(name: string, options: CookieOptions = {}): string {
  return writeCookie(name, "", { ...options, maxAgeSeconds: 0 });
}
