/** Conditional requests: RFC 9110 §13, in the order of §13.2.2. */
import type { HeaderView } from "@tsgi/gateway-spec";
import { parseHttpDate } from "./http-date.ts";

/** What a condition is held against. */
export interface Validators {
  /** With its quotes, and with `W/` in front where it is weak. */
  readonly etag: string;
  /** HTTP-date. */
  readonly lastModified: string;
  readonly lastModifiedSeconds: number;
  /** Whether both change whenever the bytes do. */
  readonly strong: boolean;
}

/** `412` and `304` are the answer to give in place of the representation. For GET and HEAD of something that exists. */
export function evaluateConditions(headers: HeaderView, current: Validators): 304 | 412 | "proceed" {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null) {
    if (!matches(ifMatch, current.etag, "strong")) return 412;
  } else {
    const since = headers.get("if-unmodified-since");
    if (since !== null && isAfter(current, since)) return 412;
  }
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== null) return matches(ifNoneMatch, current.etag, "weak") ? 304 : "proceed";
  const since = headers.get("if-modified-since");
  return since !== null && parseHttpDate(since) !== null && !isAfter(current, since) ? 304 : "proceed";
}

/** If-Range, §13.1.5: whether the Range field still means this representation. `null` is no condition. */
export function rangeApplies(ifRange: string | null, current: Validators): boolean {
  if (ifRange === null) return true;
  return current.strong && (ifRange === current.etag || ifRange === current.lastModified);
}

/** Entity tags, §8.8.3. A tag may hold commas, so the list is read tag by tag. */
const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** §8.8.3.2: the strong comparison takes no weak tags, the weak one does not look at the mark. */
function matches(field: string, etag: string, comparison: "strong" | "weak"): boolean {
  if (field === "*") return true;
  const tags: readonly string[] = field.match(ENTITY_TAG) ?? [];
  if (comparison === "strong") return !etag.startsWith("W/") && tags.includes(etag);
  return tags.some((tag) => opaque(tag) === opaque(etag));
}

function opaque(etag: string): string {
  return etag.startsWith("W/") ? etag.slice(2) : etag;
}

/** A date that is none counts as absent. */
function isAfter(current: Validators, date: string): boolean {
  const seconds = parseHttpDate(date);
  return seconds !== null && current.lastModifiedSeconds > seconds;
}
