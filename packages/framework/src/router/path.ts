/**
 * A route's path, parsed once: `/users/:id`, `/add/:code(\\d{6}).html`, `/files/*path`.
 *
 * Paths are written decoded. A parameter is a name after a colon, with a pattern in parentheses where it has one; it never
 * reaches over a slash of the URL, but its value may hold one that was sent as `%2F`. A wildcard is the rest of the path, and
 * may be empty.
 */
import { RouteError } from "../errors.ts";

/** A piece of a segment that mixes text and parameters. */
export type Part = { readonly kind: "text"; readonly text: string } | { readonly kind: "param"; readonly name: string };

/** What stands between two slashes. */
export type Segment =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "param"; readonly name: string }
  | {
      readonly kind: "pattern";
      readonly parts: readonly Part[];
      /** Anchored, one group for each parameter. Two segments of the same source match the same texts. */
      readonly regex: RegExp;
      /** How many characters are fixed; more of them come first. */
      readonly textLength: number;
    }
  | { readonly kind: "wildcard"; readonly name: string };

export interface RoutePath {
  readonly source: string;
  readonly segments: readonly Segment[];
  /** In order of appearance. */
  readonly names: readonly string[];
}

export type ParamValue = string | number | bigint;

/** @throws RouteError `ROUTE_PATH_INVALID`, with the place and the reason. */
export function parsePath(source: string): RoutePath {
  if (!source.startsWith("/")) throw invalid(source, 0, "a path begins with a slash");
  const segments: Segment[] = [];
  const names: string[] = [];
  let at = 0;
  while (at < source.length) {
    const start = at + 1;
    const parts: PatternPart[] = [];
    at = start;
    while (at < source.length && source[at] !== "/") {
      const part = readPart(source, at, at === start);
      if (part.kind !== "text") {
        if (names.includes(part.name)) throw invalid(source, at, `the parameter "${part.name}" stands here twice`);
        names.push(part.name);
      }
      const last = parts.at(-1);
      if (part.kind === "param" && last?.kind === "param" && last.pattern === null) {
        throw invalid(
          source,
          at,
          `nothing tells where "${last.name}" ends: put a character between, or give it a pattern`,
        );
      }
      parts.push(part);
      at = part.end;
    }
    const segment = toSegment(source, start, parts);
    if (segment.kind === "wildcard" && at < source.length) throw invalid(source, start, "a wildcard ends its path");
    segments.push(segment);
  }
  return { source, segments, names };
}

/**
 * The path with its parameters filled in and encoded, such that it is read back as it was given.
 * @throws RouteError `ROUTE_PARAM_INVALID`
 */
export function buildPath(path: RoutePath, params: Readonly<Record<string, ParamValue>>): string {
  for (const name of Object.keys(params)) {
    if (!path.names.includes(name)) throw paramInvalid(path, `it has no parameter "${name}"`);
  }
  const valueOf = (name: string): string => {
    if (!Object.hasOwn(params, name)) throw paramInvalid(path, `its parameter "${name}" is missing`);
    return String(params[name]);
  };
  return path.segments.map((segment) => `/${buildSegment(path, segment, valueOf)}`).join("");
}

type PatternPart = (
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "param"; readonly name: string; readonly pattern: string | null }
  | { readonly kind: "wildcard"; readonly name: string }
) & { readonly end: number };

const NAME = /[A-Za-z][A-Za-z0-9_]*/y;
/** Not in a path at all (`?`, `#`), of our grammar (`:`, `*`, parentheses), or a sign that the path was written encoded. */
const SPECIAL = /[:*()%?#/\\]/g;

function readPart(source: string, at: number, first: boolean): PatternPart {
  const char = source[at];
  if (char === ":" || char === "*") {
    NAME.lastIndex = at + 1;
    const name = NAME.exec(source)?.[0];
    if (name === undefined) throw invalid(source, at, `a name follows "${char}"`);
    const end = at + 1 + name.length;
    if (char === "*") {
      if (!first) throw invalid(source, at, "a wildcard follows a slash");
      return { kind: "wildcard", name, end };
    }
    if (source[end] !== "(") return { kind: "param", name, pattern: null, end };
    const close = endOfPattern(source, end);
    return { kind: "param", name, pattern: checkPattern(source, end, source.slice(end + 1, close)), end: close + 1 };
  }
  SPECIAL.lastIndex = at;
  const special = SPECIAL.exec(source);
  if (special?.index === at) throw invalid(source, at, `"${char}" cannot stand here; paths are written decoded`);
  const end = special?.index ?? source.length;
  return { kind: "text", text: source.slice(at, end), end };
}

/** Where the parenthesis at `open` closes: a backslash escapes, parentheses within are balanced. */
function endOfPattern(source: string, open: number): number {
  let depth = 0;
  for (let at = open; at < source.length; at += 1) {
    const char = source[at];
    if (char === "\\") at += 1;
    else if (char === "(") depth += 1;
    else if (char === ")" && (depth -= 1) === 0) return at;
  }
  throw invalid(source, open, "the parenthesis is never closed");
}

function checkPattern(source: string, at: number, pattern: string): string {
  let groups: number;
  try {
    groups = (new RegExp(`${pattern}|`, "su").exec("")?.length ?? 1) - 1;
  } catch (cause) {
    throw invalid(source, at, `the pattern is no regular expression`, { cause });
  }
  if (groups > 0) throw invalid(source, at, "a pattern has no groups of its own: write (?:…)");
  return pattern;
}

function toSegment(source: string, start: number, parts: readonly PatternPart[]): Segment {
  const [first, second] = parts;
  if (first === undefined) return { kind: "text", text: "" };
  if (first.kind === "wildcard") {
    if (second !== undefined) throw invalid(source, start, "nothing stands beside a wildcard");
    return { kind: "wildcard", name: first.name };
  }
  if (second === undefined && first.kind === "text") {
    if (isDots(first.text)) throw invalid(source, start, "no client sends a segment of dots");
    return { kind: "text", text: first.text };
  }
  if (second === undefined && first.kind === "param" && first.pattern === null) {
    return { kind: "param", name: first.name };
  }
  let textLength = 0;
  let regex = "";
  const kept: Part[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.kind === "text") {
      textLength += part.text.length;
      regex += escape(part.text);
      kept.push({ kind: "text", text: part.text });
    } else if (part.kind === "param") {
      regex += `(${part.pattern ?? defaultPattern(parts.slice(index + 1))})`;
      kept.push({ kind: "param", name: part.name });
    }
  }
  return { kind: "pattern", parts: kept, regex: new RegExp(`^${regex}$`, "su"), textLength };
}

/** A parameter without a pattern ends where the text after it begins, so that matching takes linear time. */
function defaultPattern(following: readonly PatternPart[]): string {
  const [next, ...rest] = following;
  if (next?.kind !== "text" || !rest.some((part) => part.kind === "param")) return ".+";
  return `[^${escape(String.fromCodePoint(next.text.codePointAt(0) ?? 0))}]+`;
}

function buildSegment(path: RoutePath, segment: Segment, valueOf: (name: string) => string): string {
  switch (segment.kind) {
    case "text":
      return encodeURI(segment.text);
    case "param": {
      const value = valueOf(segment.name);
      if (value === "") throw paramInvalid(path, `its parameter "${segment.name}" is empty`);
      return encode(path, segment.name, value);
    }
    case "pattern":
      return buildPattern(path, segment, valueOf);
    case "wildcard":
      break;
  }
  const pieces = valueOf(segment.name).split("/");
  return pieces.map((piece) => encode(path, segment.name, piece)).join("/");
}

/** The segment is read back, for a value may fit its pattern and still be cut elsewhere. */
function buildPattern(
  path: RoutePath,
  { parts, regex }: Extract<Segment, { kind: "pattern" }>,
  valueOf: (name: string) => string,
): string {
  const text = parts.map((part) => (part.kind === "text" ? part.text : valueOf(part.name))).join("");
  const captures = regex.exec(text)?.slice(1) ?? [];
  const names = parts.flatMap((part) => (part.kind === "param" ? part.name : []));
  for (const [index, name] of names.entries()) {
    const value = valueOf(name);
    if (captures[index] !== value) {
      throw paramInvalid(path, `its parameter "${name}" does not take ${JSON.stringify(value)}`);
    }
  }
  return encode(path, names.join(", "), text);
}

function encode(path: RoutePath, name: string, text: string): string {
  // URL parsers take a segment of dots, encoded or not, as a step in the path.
  if (isDots(text)) throw paramInvalid(path, `its parameter "${name}" cannot be ${JSON.stringify(text)}`);
  try {
    return encodeURIComponent(text);
  } catch (cause) {
    throw paramInvalid(path, `its parameter "${name}" is no valid Unicode`, { cause });
  }
}

function isDots(text: string): boolean {
  return text === "." || text === "..";
}

function escape(text: string): string {
  return text.replaceAll(/[\^$\\.*+?()[\]{}|/]/g, String.raw`\$&`);
}

function invalid(source: string, at: number, reason: string, options?: ErrorOptions): RouteError {
  const message = `The route path ${source} is invalid at character ${at + 1}: ${reason}`;
  return new RouteError("ROUTE_PATH_INVALID", message, options);
}

function paramInvalid(path: RoutePath, reason: string, options?: ErrorOptions): RouteError {
  return new RouteError("ROUTE_PARAM_INVALID", `No URL can be built of ${path.source}: ${reason}`, options);
}
