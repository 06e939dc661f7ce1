/** Header fields: what a name and a value may hold, how lines are joined, how both shapes of {@link HeaderFields} are read. */
import type { HeaderFields, HeaderView } from "../index.ts";
import { describe } from "./handler-result.ts";

/** RFC 9110 §5.6.2: "token = 1*tchar". Field names and methods are tokens. */
export const TOKEN: RegExp = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110 §5.5: what a field value may not hold: controls other than HTAB, and characters that are not one byte. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
export const FORBIDDEN_IN_FIELD_VALUE: RegExp = /[^\t\x20-\x7e\x80-\xff]/;

/** The fields of the connection, which the server alone sends (RFC 9110 §7.6.1, RFC 9113 §8.2.2). Lower-case. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Fields of framing, routing, authentication and content, which may not stand in a trailer section (RFC 9110 §6.5.1). Lower-case. */
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

/** A view on received field lines. Each look-up scans them: for the number that a request has, an index costs more. */
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

/** A view on fields: names are lower-cased, values kept. */
export function toHeaderView(fields: HeaderFields | undefined): HeaderView {
  const lines: string[] = [];
  if (fields !== undefined) eachField(fields, (name, value) => void lines.push(name.toLowerCase(), value));
  return new FieldView(lines);
}

/**
 * Calls `visit` for each line of either shape of {@link HeaderFields}, in order.
 * @throws TypeError for a name or a value that is no string: what it is converted to could differ from one read to the next.
 */
export function eachField(fields: HeaderFields, visit: (name: string, value: string) => void): void {
  if (isPairs(fields)) {
    for (const pair of fields) {
      const [name, value] = pair;
      if (typeof pair === "string" || typeof name !== "string") throw notPairs(pair);
      visit(name, typeof value === "string" ? value : notText(name, value));
    }
    return;
  }
  for (const name in fields) {
    const value = fields[name];
    if (typeof value === "string") visit(name, value);
    else if (Array.isArray(value)) {
      for (const line of value as readonly unknown[])
        visit(name, typeof line === "string" ? line : notText(name, line));
    } else if (value !== undefined) notText(name, value);
  }
}

/** Whether the fields are pairs, the one of the two shapes of {@link HeaderFields}. */
export function isPairs(fields: HeaderFields): fields is Iterable<readonly [string, string]> {
  return Symbol.iterator in fields;
}

/** Checks a header field of a response. @throws TypeError where its name or value may not be sent (RFC 9110 §5.1, §5.5). */
export function checkField(name: string, value: string): void {
  if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a field name`);
  if (FORBIDDEN_IN_FIELD_VALUE.test(value)) throw new TypeError(`The value of ${name} has a forbidden character`);
}

/**
 * The lines of a trailer section.
 * @throws TypeError for a field that may not stand there (TSGI-26).
 */
export function trailerLines(fields: HeaderFields): FieldLines {
  const lines: string[] = [];
  eachField(fields, (name, value) => {
    checkField(name, value);
    if (FORBIDDEN_TRAILERS.has(name.toLowerCase())) throw new TypeError(`${name} may not be sent in a trailer section`);
    lines.push(name, value);
  });
  return lines;
}

/**
 * The lines of an informational response. It has no fields of framing (RFC 9110 §8.6, RFC 9112 §6.1) and none of the connection.
 * @throws TypeError for a field that may not be sent.
 */
export function informationalLines(fields: HeaderFields | undefined): FieldLines {
  const lines: string[] = [];
  if (fields === undefined) return lines;
  eachField(fields, (name, value) => {
    checkField(name, value);
    const lower = name.toLowerCase();
    if (lower !== "content-length" && !CONNECTION_FIELDS.has(lower)) lines.push(name, value);
  });
  return lines;
}

/**
 * The number that a `Content-Length` of the application gives.
 * @throws TypeError where it is no decimal number (RFC 9110 §8.6).
 */
export function parseContentLength(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new TypeError(`Content-Length must be digits, not ${JSON.stringify(value)}`);
  return Number(value);
}

function notText(name: string, value: unknown): never {
  throw new TypeError(`The value of the field ${JSON.stringify(name)} must be a string, not ${describe(value)}`);
}

function notPairs(pair: unknown): TypeError {
  return new TypeError(
    `Header fields are a record or pairs such as ["content-type", "text/plain"]; an item is ${describe(pair)}`,
  );
}
