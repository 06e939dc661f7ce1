/** The Range field of RFC 9110 §14.2, for bytes. */

/** Both ends are inclusive, as in Content-Range. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** For more ranges than this, the whole representation is sent once. No known client needs as many. */
const MAX_RANGES = 16;

/**
 * The ranges to send, in the requested order; ranges that overlap or touch become one.
 * @returns `ignore` for another unit, invalid syntax, too many ranges, or an empty representation; `unsatisfiable` for a valid field
 * of which no range exists.
 */
export function selectRanges(field: string, sizeBytes: number): readonly ByteRange[] | "ignore" | "unsatisfiable" {
  const set = /^bytes=(.*)$/i.exec(field)?.[1];
  if (set === undefined || sizeBytes === 0) return "ignore";
  const specs = set.split(",");
  if (specs.length > MAX_RANGES) return "ignore";
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const match = /^[\t ]*(\d*)-(\d*)[\t ]*$/.exec(spec);
    const [, first = "", last = ""] = match ?? [];
    if (first === "" && last === "") return "ignore";
    if (first !== "" && last !== "" && Number(last) < Number(first)) return "ignore";
    const range =
      first === ""
        ? { first: Math.max(0, sizeBytes - Number(last)), last: sizeBytes - 1 }
        : { first: Number(first), last: last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
    if (range.first < sizeBytes) ranges.push(range);
  }
  if (ranges.length === 0) return "unsatisfiable";
  return ranges.length === 1 ? ranges : coalesce(ranges);
}

/** RFC 9110 §15.3.7.2 allows it. Without it, a short request could get a file many times. */
function coalesce(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const kept: ByteRange[] = [];
  for (const range of ranges) {
    let merged = range;
    let place = kept.length;
    for (let i = kept.length - 1; i >= 0; i--) {
      const other = kept[i];
      if (other === undefined || other.first > merged.last + 1 || merged.first > other.last + 1) continue;
      merged = { first: Math.min(other.first, merged.first), last: Math.max(other.last, merged.last) };
      kept.splice(i, 1);
      place = i;
    }
    kept.splice(place, 0, merged);
  }
  return kept;
}
