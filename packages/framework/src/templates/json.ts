/** JSON for a view: safe in script elements as it is, and in attributes when it is escaped as all text is. */
import { NoTextError } from "../html.ts";

/**
 * JSON without the characters that end a script element or begin a comment in one (HTML §4.12.1.3), and without U+2028 and
 * U+2029, which old engines take for line ends. It is the same value to every JSON and JavaScript parser.
 * @throws NoTextError for a value that JSON cannot hold.
 */
export function toJson(value: unknown): string {
  const json: unknown = JSON.stringify(value);
  if (typeof json !== "string")
    throw new NoTextError(value, `json(…) was given ${typeof value}, which JSON cannot hold`);
  return json.replaceAll(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const UNSAFE = /[<>&\u2028\u2029]/g;
