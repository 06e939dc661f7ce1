/**
 * Converts a request target to a path inside the folder. A path that passes has no dot segment, no empty segment, no
 * percent-encoded separator and no control character, so joining it to the root cannot leave the root.
 */

export type RequestPath =
  | { readonly path: string }
  /** 400: an ambiguous or malicious path. 404: a valid path that cannot name a file of the folder. */
  | { readonly refusal: 400 | 404 };

/** The path of a target, still encoded, and its query with the question mark: `/a%20b?x=1` gives `/a%20b` and `?x=1`. */
export function splitTarget(target: string): { readonly rawPath: string; readonly query: string } {
  const origin = target.startsWith("/") ? target : target.replace(ABSOLUTE_FORM_AUTHORITY, "");
  const mark = origin.indexOf("?");
  return mark === -1
    ? { rawPath: origin || "/", query: "" }
    : { rawPath: origin.slice(0, mark) || "/", query: origin.slice(mark) };
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

/** RFC 9112 §3.2.2, absolute-form: scheme and authority, up to the path or the query. */
const ABSOLUTE_FORM_AUTHORITY = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/;

/** A slash, then visible US-ASCII without number sign, question mark and backslash. */
const PATH_CHARACTERS = /^\/[!"$->@-[\]-~]*$/;

/** Slash and backslash, percent-encoded. */
const HIDDEN_SEPARATOR = /%2f|%5c/i;

const CONTROL_CHARACTER = /\p{Cc}/u;
