/** Characters and strings of HTTP, for both directions of the codec. */

/** RFC 9110 §5.6.2: "token = 1*tchar". Field names and methods are tokens. */
export const TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 §5.5: the characters that a field value must not contain: controls other than HTAB, and anything wider than a byte. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
export const FORBIDDEN_IN_VALUE: RegExp = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * "uri-host [ ":" port ]" (RFC 9110 §7.2) with a host that is not empty: a registered name, an IPv4 address or an IPv6 address in
 * brackets.
 */
const AUTHORITY =
  /^(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+(?::[0-9]{0,5})?$|^\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{0,5})?$/;

/**
 * The usual authorities: names whose last label begins with a letter and dotted IPv4 addresses, with a port of at most four digits. URL
 * accepts each of them (labels with "--" are left out, because "xn--" can be invalid), so they need no call of URL.canParse.
 */
const USUAL_AUTHORITY =
  /^(?:(?:[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*\.)*[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*|(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9]))(?::[0-9]{0,4})?$/;

/**
 * Whether a text is an authority that a URL can hold. We choose to refuse what the grammar allows beyond that (a port above 65535, an
 * encoded slash, 1.2.3.999): an application could not make a URL of such a request.
 */
export function isAuthority(text: string): boolean {
  return USUAL_AUTHORITY.test(text) || (AUTHORITY.test(text) && URL.canParse(`http://${text}`));
}

/** `text` between two offsets, without the spaces and tabs around it (RFC 9112 §5: "OWS field-value OWS"). */
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

/** Whether a comma-separated list in lower case contains a member (RFC 9110 §5.6.1). */
export function listContains(list: string, member: string): boolean {
  return list === member || (list.includes(member) && list.split(",").some((item) => item.trim() === member));
}

/** A copy in memory of its own: a slice would keep the whole string that it was cut from. */
export function copyOf(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

/**
 * Fields that frame, route or authenticate a message: refused in a received trailer section and in a sent one (RFC 9110 §6.5.1).
 * Other trailer fields are handed on as trailers and never merged into the header section.
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
