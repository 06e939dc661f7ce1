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
