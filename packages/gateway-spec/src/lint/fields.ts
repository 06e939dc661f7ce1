/** Checks the header fields that an application sends. */
import {
  CONNECTION_FIELDS,
  FORBIDDEN_IN_FIELD_VALUE,
  FORBIDDEN_TRAILERS,
  isPairs,
  TOKEN,
} from "../server-kit/fields.ts";
import type { HeaderFields } from "../index.ts";
import { type Reporter, show } from "./report.ts";
import { isObject } from "./values.ts";

/** A field line, with its name in lower case. */
export type Line = readonly [name: string, value: string];

/** RFC 9110 §6.5.1: fields of "message framing, routing, authentication, request modifiers, response controls, or content format". */
const NOT_IN_TRAILERS = new Set([
  ...FORBIDDEN_TRAILERS,
  "cache-control",
  "date",
  "expires",
  "location",
  "proxy-authenticate",
  "retry-after",
  "set-cookie",
  "vary",
  "www-authenticate",
]);

/** Checks the fields. Returns their lines, which replace the fields, because an iterable can be read once. */
export function checkedFields(report: Reporter, fields: HeaderFields | undefined): readonly Line[] {
  const lines: Line[] = [];
  const visit = (name: unknown, value: unknown) => {
    if (typeof name !== "string" || !TOKEN.test(name)) report.now("response-header-name", show(name));
    else if (CONNECTION_FIELDS.has(name.toLowerCase())) report.now("response-connection-field", name);
    if (!isFieldValue(value)) report.now("response-header-value", `${String(name)}: ${show(value)}`);
    lines.push([String(name).toLowerCase(), String(value)]);
  };
  if (fields === undefined) return lines;
  if (!isObject(fields)) report.now("response-header-name", `${show(fields)} as headers`);
  else if (isPairs(fields)) for (const [name, value] of fields) visit(name, value);
  else {
    for (const [name, value] of Object.entries<unknown>(fields)) {
      if (Array.isArray(value)) for (const line of value) visit(name, line);
      else visit(name, value);
    }
  }
  return lines;
}

/** Checks the fields that `trailers` returned against the `Trailer` field of the head. */
export function checkTrailers(report: Reporter, trailers: HeaderFields, head: readonly Line[]): readonly Line[] {
  const lines = checkedFields(report, trailers);
  const announced = new Set<string>();
  for (const [name, value] of head) {
    if (name === "trailer") for (const item of value.split(",")) announced.add(item.trim().toLowerCase());
  }
  for (const [name] of lines) {
    if (NOT_IN_TRAILERS.has(name)) report.now("response-trailer-field", name);
    else if (!announced.has(name))
      report.now("response-trailer-announced", `${name}, which the head does not announce`);
  }
  return lines;
}

/** RFC 9110 §5.5, without surrounding white space, which a parser would remove. */
export function isFieldValue(value: unknown): value is string {
  return typeof value === "string" && !FORBIDDEN_IN_FIELD_VALUE.test(value) && !/^[ \t]|[ \t]$/.test(value);
}
