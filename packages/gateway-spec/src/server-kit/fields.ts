/** Header fields, once for every server and adapter: what may stand in one, how lines are joined, how both shapes are walked. */
import type { HeaderFields, HeaderView } from "../index.ts";

/** RFC 9110 §5.6.2: "token = 1*tchar". Field names and methods are tokens. */
export const TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 §5.5: what a field value may not hold: controls but HTAB, and anything that is no single byte. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
export const FORBIDDEN_IN_FIELD_VALUE: RegExp = /[^\t\x20-\x7e\x80-\xff]/;

/** The fields that are the connection's business (RFC 9110 §7.6.1, RFC 9113 §8.2.2). */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Fields that frame, route or authenticate a message: no server sends them after its content (RFC 9110 §6.5.1). */
export const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  ...CONNECTION_FIELDS,
  "authorization",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "expect",
  "host",
  "proxy-authorization",
  "te",
  "trailer",
]);

/** Fields in the order received, as name, value, name, value, …: names lower-case, values without surrounding white space. */
export type FieldLines = readonly string[];

/** A view on received field lines. It looks them through each time: for as many as a request has, an index costs more. */
export class FieldView implements HeaderView {
  readonly #lines: FieldLines;

  constructor(lines: FieldLines) {
    this.#lines = lines;
  }

  get(name: string): string | null {
    const lines = this.#lines;
    let value: string | null = null;
    for (let i = 0; i < lines.length; i += 2) {
      if (lines[i] === name) value = value === null ? (lines[i + 1] ?? "") : joined(name, value, lines[i + 1] ?? "");
    }
    return value;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /** Each name once with its joined value, but each `set-cookie` line by itself. */
  *[Symbol.iterator](): Generator<[string, string], void, undefined> {
    const lines = this.#lines;
    const values = new Map<string, string>();
    for (let i = 0; i < lines.length; i += 2) {
      const name = lines[i] ?? "";
      const value = lines[i + 1] ?? "";
      const earlier = values.get(name);
      if (name !== "set-cookie") values.set(name, earlier === undefined ? value : joined(name, earlier, value));
    }
    yield* values;
    for (let i = 0; i < lines.length; i += 2) {
      if (lines[i] === "set-cookie") yield ["set-cookie", lines[i + 1] ?? ""];
    }
  }
}

/** RFC 9110 §5.3 joins lines with a comma; RFC 9113 §8.2.3 joins cookie crumbs with "; ". */
function joined(name: string, earlier: string, value: string): string {
  return `${earlier}${name === "cookie" ? "; " : ", "}${value}`;
}

/** A view on pairs: names are lowered, values kept. */
export function toHeaderView(fields: HeaderFields | undefined): HeaderView {
  const lines: string[] = [];
  if (fields !== undefined) eachField(fields, (name, value) => void lines.push(name.toLowerCase(), value));
  return new FieldView(lines);
}

/**
 * Calls `visit` for each line of either shape of {@link HeaderFields}, in order.
 * @throws TypeError for a name or a value that is no string: it could be another text each time it is asked for one.
 */
export function eachField(fields: HeaderFields, visit: (name: string, value: string) => void): void {
  if (isPairs(fields)) {
    for (const [name, value] of fields) visit(text(name), text(value));
    return;
  }
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === "string") visit(name, value);
    else if (value !== undefined) for (const line of value) visit(name, text(line));
  }
}

/** Tells the two shapes of {@link HeaderFields} apart. */
export function isPairs(fields: HeaderFields): fields is Iterable<readonly [string, string]> {
  return Symbol.iterator in fields;
}

function text(given: unknown): string {
  if (typeof given === "string") return given;
  throw new TypeError(`Field names and values are strings, not ${given === null ? "null" : typeof given}`);
}
