/** Header fields, once for every server and adapter: what may stand in one, how lines are joined, how both shapes are walked. */
import type { HeaderFields, HeaderView } from "./index.ts";

/** RFC 9110 §5.6.2: "token = 1*tchar". Field names and methods are tokens. */
export const TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 §5.5: what a field value may not hold: controls but HTAB, and anything that is no single byte. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
export const FORBIDDEN_IN_FIELD_VALUE: RegExp = /[^\t\x20-\x7e\x80-\xff]/;

/** Fields in the order received, as name, value, name, value, …: names lower-case, values without surrounding white space. */
export type FieldLines = readonly string[];

/** A view on received field lines. The index is made at the first look-up. */
export class FieldView implements HeaderView {
  readonly #lines: FieldLines;
  #index: Map<string, string> | null = null;

  constructor(lines: FieldLines) {
    this.#lines = lines;
  }

  get(name: string): string | null {
    return (this.#index ??= indexOf(this.#lines)).get(name) ?? null;
  }

  has(name: string): boolean {
    return (this.#index ??= indexOf(this.#lines)).has(name);
  }

  /** Each name once with its joined value, but each `set-cookie` line by itself. */
  *[Symbol.iterator](): Generator<[string, string], void, undefined> {
    for (const entry of (this.#index ??= indexOf(this.#lines))) {
      if (entry[0] !== "set-cookie") yield entry;
    }
    const lines = this.#lines;
    for (let i = 0; i < lines.length; i += 2) {
      if (lines[i] === "set-cookie") yield ["set-cookie", lines[i + 1] ?? ""];
    }
  }
}

function indexOf(lines: FieldLines): Map<string, string> {
  const index = new Map<string, string>();
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    const value = lines[i + 1] ?? "";
    const earlier = index.get(name);
    // RFC 9110 §5.3 joins lines with a comma; RFC 9113 §8.2.3 joins cookie crumbs with "; ".
    index.set(name, earlier === undefined ? value : `${earlier}${name === "cookie" ? "; " : ", "}${value}`);
  }
  return index;
}

/** A view on pairs: names are lowered, values kept. */
export function toHeaderView(fields: HeaderFields | undefined): HeaderView {
  const lines: string[] = [];
  if (fields !== undefined) eachField(fields, (name, value) => void lines.push(name.toLowerCase(), value));
  return new FieldView(lines);
}

/** Calls `visit` for each line of either shape of {@link HeaderFields}, in order. */
export function eachField(fields: HeaderFields, visit: (name: string, value: string) => void): void {
  if (isPairs(fields)) {
    for (const [name, value] of fields) visit(name, value);
    return;
  }
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === "string") visit(name, value);
    else if (value !== undefined) for (const line of value) visit(name, line);
  }
}

/** Tells the two shapes of {@link HeaderFields} apart. */
export function isPairs(fields: HeaderFields): fields is Iterable<readonly [string, string]> {
  return Symbol.iterator in fields;
}
