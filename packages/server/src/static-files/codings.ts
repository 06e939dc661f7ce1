/** Accept-Encoding (RFC 9110 §12.5.3), for files that have a compressed file beside them: `app.js.br`, `app.js.gz`. */

export type Coding = "br" | "gzip" | "identity";

/** In our order of preference, which decides between codings of equal weight. */
export const PRECOMPRESSED: readonly { readonly coding: Coding; readonly suffix: string }[] = [
  { coding: "br", suffix: ".br" },
  { coding: "gzip", suffix: ".gz" },
];

/**
 * The codings that a client accepts, best first. `identity` is always one of them: to a client that refuses it, we choose to send
 * the file as it is instead of a 406 (§12.1).
 */
export function acceptedCodings(field: string | null): readonly Coding[] {
  if (field === null) return ["identity"];
  const weights = new Map<string, number>();
  for (const item of field.split(",")) {
    const match = CODING_WITH_WEIGHT.exec(item.trim());
    if (match?.[1] === undefined) continue;
    const name = match[1].toLowerCase();
    weights.set(name === "x-gzip" ? "gzip" : name, Number(match[2] ?? 1));
  }
  const other = weights.get("*") ?? 0;
  // A coding that is not named is refused, except identity, which has less weight than each named one.
  const weightOf = (coding: Coding) =>
    weights.get(coding) ?? (coding === "identity" ? Math.max(other, Number.MIN_VALUE) : other);
  const codings: readonly Coding[] = ["br", "gzip", "identity"];
  return codings
    .filter((coding) => coding === "identity" || weightOf(coding) > 0)
    .toSorted((a, b) => weightOf(b) - weightOf(a));
}

/** RFC 9110 §12.4.2: a weight is 0 to 1 with at most three digits after the point. */
const CODING_WITH_WEIGHT = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[\t ]*;[\t ]*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;
