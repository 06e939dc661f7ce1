/**
 * The path and the query of a request's URL, as received.
 *
 * A guard in front of the application reads `new URL(request.url).pathname`, or the text itself. Both must name the resource
 * that the router finds, so a path that the two read differently is refused ({@link hasOneReading}).
 */

/** The path of an absolute URL, not decoded. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", AUTHORITY);
  const end = url.indexOf("?", AUTHORITY);
  if (start === -1 || (end !== -1 && end < start)) return "/";
  return end === -1 ? url.slice(start) : url.slice(start, end);
}

/** The query of an absolute URL, without its question mark, not decoded. */
export function queryOf(url: string): string {
  const mark = url.indexOf("?", AUTHORITY);
  return mark === -1 ? "" : url.slice(mark + 1);
}

/** The URL with another path. The query stays. */
export function withPath(url: string, path: string): string {
  const start = url.indexOf("/", AUTHORITY);
  const end = url.indexOf("?", AUTHORITY);
  const query = end === -1 ? "" : url.slice(end);
  if (start === -1 || (end !== -1 && end < start)) return (end === -1 ? url : url.slice(0, end)) + path + query;
  return url.slice(0, start) + path + query;
}

/** Whether every reader of the path finds the same segments in it. */
export function hasOneReading(path: string): boolean {
  return !AMBIGUOUS.test(path);
}

/** The authority of a URL begins here or later: behind `http://`, whose host has a character. */
const AUTHORITY = "http://".length;

/**
 * Three things that URL parsers change: dot segments, which they resolve; backslashes, which they take for slashes; controls,
 * spaces and `#`, which they remove, encode or cut at. One that they keep though it means the same: a percent-encoded
 * unreserved character (RFC 3986 §2.3: "should not be created by URI producers"), dots included.
 */
const AMBIGUOUS = /\/\.\.?(?:\/|$)|%(?:2[de]|3\d|[46][1-9a-f]|[57][\da]|5f|7e)|[\\#\0-\x20\x7f]/i;
