/** HTML as a value of its own: text that is not to be escaped again. The template tag `html` makes it, views and handlers accept it. */

import { isThenable } from "./thenable.ts";

/**
 * Text that is HTML. A handler that returns one sends `text/html`; `<%= %>` in a view and `${}` in `html` write it unescaped.
 * No data from a client is ever an instance.
 */
export class Html {
  readonly #text: string;

  /** @param text HTML that the caller vouches for, such as the output of a sanitizer. For everything else use {@link html}. */
  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/**
 * A template tag: `` html`<b>${name}</b>` ``. Values are escaped for text and for quoted attributes. `null` writes nothing, an
 * {@link Html} or an array of them is written as it is. Do not put values into `<script>`, `<style>` or unquoted attributes.
 * @throws TypeError for a value that has no text: `undefined`, a promise, a function, a plain object, an array of other values.
 */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): Html {
  let text = strings[0] ?? "";
  for (const [index, value] of values.entries()) {
    try {
      text += toHtml(value) + (strings[index + 1] ?? "");
    } catch (error) {
      if (!(error instanceof NoTextError)) throw error;
      throw new NoTextError(error.value, `html: ${error.message}, after ${quoteEnd(strings[index] ?? "")}`);
    }
  }
  return new Html(text);
}

/** The last letters of the text before a value: the stack has the line of the whole template only. */
function quoteEnd(text: string): string {
  return JSON.stringify(text.replaceAll(/\s+/g, " ").slice(-QUOTED));
}
const QUOTED = 30;

/** A value that has no text, with the reason: most often a forgotten `await` or a misspelt member. */
export class NoTextError extends TypeError {
  readonly value: unknown;

  constructor(value: unknown, reason: string) {
    super(reason);
    this.value = value;
  }
}

/** The value as HTML: escaped, unless it is {@link Html}. @throws NoTextError */
export function toHtml(value: unknown): string {
  if (typeof value === "string") return escapeHtml(value);
  if (typeof value === "number") return String(value);
  if (isHtml(value)) return toText(value);
  return escapeHtml(toText(value));
}

/** The value as text, not escaped; `null` is empty. @throws NoTextError */
export function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null) return "";
  if (value === undefined) throw new NoTextError(value, "the value is undefined");
  if (typeof value === "function") throw new NoTextError(value, "the value is a function: call it");
  if (typeof value === "symbol") throw new NoTextError(value, "the value is a symbol, which has no text");
  if (typeof value !== "object") return (value as number | bigint | boolean).toString();
  if (isThenable(value)) throw new NoTextError(value, "the value is a promise: await it before");
  if (Array.isArray(value)) {
    if (isHtml(value)) return value.join("");
    throw new NoTextError(value, "the value is an array: write its items one by one, or join them");
  }
  const { toString } = value as { readonly toString?: unknown };
  if (typeof toString !== "function" || toString === Object.prototype.toString) {
    throw new NoTextError(value, "the value is an object without a text: write one of its members, or use json(…)");
  }
  // oxlint-disable-next-line typescript/no-base-to-string -- the lines above refuse the default stringification
  return String(value);
}

/** The text with the five characters that HTML gives a meaning replaced, for text and for quoted attributes. */
export function escapeHtml(text: string): string {
  return SPECIAL.test(text) ? text.replaceAll(ALL_SPECIAL, (character) => ENTITIES[character] ?? character) : text;
}

function isHtml(value: unknown): boolean {
  return value instanceof Html || (Array.isArray(value) && value.every((item) => item instanceof Html));
}

const SPECIAL = /[&<>"']/;
const ALL_SPECIAL = /[&<>"']/g;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
