/** The Range field of RFC 9110 §14.2, for bytes. */

/** Both ends are included, as in Content-Range. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** More ranges than this are no reader's need: the whole representation is sent instead, once. */
const MAX_RANGES = 16;

/**
 * The ranges to send, in the order asked for; ranges that overlap or touch become one. Where the field is to be ignored the
 * answer is `ignore`: another unit, broken syntax, too many ranges, or nothing to take a range of. Where it is well formed but
 * asks for nothing that exists, `unsatisfiable`.
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
  return ranges.length === 0 ? "unsatisfiable" : coalesce(ranges);
}

/** RFC 9110 §15.3.7.2 lets a server do so; else a short request could ask for a file many times over. */
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
