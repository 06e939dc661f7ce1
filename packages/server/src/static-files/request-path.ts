/**
 * Converts the URL of a request to a path inside the folder. A path that passes has no dot segment, no empty segment, no
 * percent-encoded separator and no control character, so joining it to the root cannot leave the root.
 */

export type RequestPath =
  | { readonly path: string }
  /** 400: an ambiguous or malicious path. 404: a valid path that cannot name a file of the folder. */
  | { readonly refusal: 400 | 404 };

/** The path of a URL, still encoded, and its query with the question mark: `http://host/a%20b?x` gives `/a%20b` and `?x`. */
export function splitUrl(url: string): { readonly rawPath: string; readonly query: string } {
  const authority = url.indexOf("//") + 2;
  const slash = url.indexOf("/", authority);
  const mark = url.indexOf("?", authority);
  const end = mark === -1 ? url.length : mark;
  return { rawPath: slash === -1 || slash > end ? "/" : url.slice(slash, end), query: url.slice(end) };
}

/** Decodes a raw path and refuses ambiguous ones. A trailing slash stays: it requests an index. */
export function decodePath(rawPath: string, dotFiles: boolean): RequestPath {
  if (!PATH_CHARACTERS.test(rawPath) || HIDDEN_SEPARATOR.test(rawPath)) return { refusal: 400 };
  let path = rawPath;
  if (rawPath.includes("%")) {
    try {
      path = decodeURIComponent(rawPath);
    } catch {
      return { refusal: 400 }; // A lone percent sign, or bytes that are not UTF-8.
    }
  }
  if (CONTROL_CHARACTER.test(path)) return { refusal: 400 };
  const segments = path.split("/").slice(1);
  for (const [i, segment] of segments.entries()) {
    if (segment === "." || segment === "..") return { refusal: 400 };
    if (segment === "" && i < segments.length - 1) return { refusal: 404 };
    // RFC 8615 reserves /.well-known/ for public resources.
    if (segment.startsWith(".") && !dotFiles && !(i === 0 && segment === ".well-known")) return { refusal: 404 };
  }
  return { path };
}

/** A slash, then visible US-ASCII without number sign, question mark and backslash. */
const PATH_CHARACTERS = /^\/[!"$->@-[\]-~]*$/;

/** Slash and backslash, percent-encoded. */
const HIDDEN_SEPARATOR = /%2f|%5c/i;

const CONTROL_CHARACTER = /\p{Cc}/u;
