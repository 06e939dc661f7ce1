/** Conditional requests (RFC 9110 §13), in the order of §13.2.2. */
import type { HeaderView } from "@tsgi/gateway-spec";
import { parseHttpDate } from "./http-date.ts";

/** What conditions are compared with. */
export interface Validators {
  /** With its quotes, and with `W/` in front if it is weak. */
  readonly etag: string;
  /** `null` if the file has no usable modification date: conditions with dates are ignored then, as §13.1.3 and §13.1.4 require. */
  readonly lastModifiedSeconds: number | null;
}

/** `412` and `304` are sent in place of the representation. For GET and HEAD of a file that exists. */
export function evaluateConditions(headers: HeaderView, current: Validators): 304 | 412 | "proceed" {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null) {
    if (!matches(ifMatch, current.etag, "strong")) return 412;
  } else {
    const since = headers.get("if-unmodified-since");
    if (since !== null && isModifiedSince(since, current) === true) return 412;
  }
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== null) return matches(ifNoneMatch, current.etag, "weak") ? 304 : "proceed";
  const since = headers.get("if-modified-since");
  return since !== null && isModifiedSince(since, current) === false ? 304 : "proceed";
}

/**
 * If-Range (§13.1.5): whether the Range field applies. Only a strong entity tag is accepted, never a date: each response has a tag,
 * and a client that has a tag must not send a date. Two files of one date may differ.
 */
export function rangeApplies(ifRange: string | null, etag: string): boolean {
  return ifRange === null || (isStrong(etag) && ifRange === etag);
}

/** Entity tags, §8.8.3. A tag may contain commas, so the list is not split at them. */
const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** §8.8.3.2: the strong comparison never matches a weak tag; the weak comparison ignores `W/`. */
function matches(field: string, etag: string, comparison: "strong" | "weak"): boolean {
  if (field === "*") return true;
  const tags: readonly string[] = field.match(ENTITY_TAG) ?? [];
  if (comparison === "strong") return isStrong(etag) && tags.includes(etag);
  return tags.some((tag) => opaque(tag) === opaque(etag));
}

function isStrong(etag: string): boolean {
  return !etag.startsWith("W/");
}

function opaque(etag: string): string {
  return isStrong(etag) ? etag : etag.slice(2);
}

/** `null` if one of the two dates is missing or invalid. */
function isModifiedSince(date: string, { lastModifiedSeconds }: Validators): boolean | null {
  const seconds = parseHttpDate(date);
  return seconds === null || lastModifiedSeconds === null ? null : lastModifiedSeconds > seconds;
}
