/** What both directions of the codec know of characters and strings. */

/** RFC 9110 §5.6.2: "token = 1*tchar". Field names and methods are tokens. */
export const TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 §5.5: what a field value may not hold: controls but HTAB, and anything that is no single byte. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
export const FORBIDDEN_IN_VALUE: RegExp = /[^\t\x20-\x7e\x80-\xff]/;

/** A copy in one piece of memory that it shares with no longer string: for what is kept, or sent often. */
export function copied(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

/** "uri-host [ ":" port ]" (RFC 9110 §7.2), the host not empty: a registered name, an IPv4 address or a bracketed IPv6 address. */
const AUTHORITY =
  /^(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+(?::[0-9]{0,5})?$|^\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{0,5})?$/;

/**
 * Whether a text is an authority that a URL can hold. We choose to refuse what the grammar allows beyond that (a port above 65535, an
 * encoded slash, 1.2.3.999): whoever makes a URL of the request would fail.
 */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text) && URL.canParse(`http://${text}`);
}

/** `text` between two places, without the spaces and tabs around it (RFC 9112 §5: "OWS field-value OWS"). */
export function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

/**
 * Fields that frame, route or authenticate a message: neither accepted nor sent after it (RFC 9110 §6.5.1). Others are handed on as
 * trailers, never merged into the header section.
 */
export const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
