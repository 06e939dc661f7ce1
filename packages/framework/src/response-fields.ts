/** Reads and changes the header fields of a response, for middleware. A response is never changed in place. */
import type { HeaderFields, OutgoingResponse } from "@tsgi/gateway-spec";
import { eachField } from "@tsgi/gateway-spec/server-kit";

export type FieldLine = readonly [name: string, value: string];

/** Header fields of either shape as pairs. */
export function fieldLines(headers: HeaderFields | undefined): readonly FieldLine[] {
  const lines: FieldLine[] = [];
  if (headers !== undefined) eachField(headers, (name, value) => void lines.push([name, value]));
  return lines;
}

/** The value of a field, lines joined with `, `; `null` where the response does not have it. `name` is lower-case. */
export function fieldOf(lines: readonly FieldLine[], name: string): string | null {
  const values = lines.filter((line) => line[0].toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(", ");
}

/** The same response with other header fields. A web `Response` has its members on its prototype, so each one is named. */
export function withFields(response: OutgoingResponse, headers: readonly FieldLine[]): OutgoingResponse {
  const { status, body, trailers } = response;
  return { status, headers, ...(body === undefined ? {} : { body }), ...(trailers === undefined ? {} : { trailers }) };
}

/** The lines with `name` replaced, or added. */
export function replaceField(lines: readonly FieldLine[], name: string, value: string): readonly FieldLine[] {
  return [...lines.filter((line) => line[0].toLowerCase() !== name), [name, value]];
}

/** The lines with `names` in `Vary` (RFC 9110 §12.5.5), each once. `*` covers every name. */
export function addVary(lines: readonly FieldLine[], ...names: readonly string[]): readonly FieldLine[] {
  const present = (fieldOf(lines, "vary") ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const known = new Set(present.map((name) => name.toLowerCase()));
  const missing = names.filter((name) => !known.has(name.toLowerCase()));
  if (known.has("*") || missing.length === 0) return lines;
  return replaceField(lines, "vary", [...present, ...missing].join(", "));
}
