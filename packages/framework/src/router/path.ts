/**
 * A route's path, parsed once: `/users/:id`, `/users/:id<int>`, `/add/:code(\\d{6}).html`, `/files/*path`.
 *
 * Paths are written decoded. A parameter is a name after a colon, followed by `<int>` or by a pattern in parentheses where it
 * has one. A pattern without a name is a positional parameter: `/story/(\\d+)`. A parameter never spans a slash of the URL, but
 * its value may hold one that was sent as `%2F`. A wildcard is the rest of the path and may be empty.
 */
import { RouteError } from "./route-error.ts";

/** A piece of a segment that mixes text and parameters. */
export type Part = { readonly kind: "text"; readonly text: string } | { readonly kind: "param"; readonly name: string };

/** The text between two slashes. */
export type Segment =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "param"; readonly name: string }
  | {
      readonly kind: "pattern";
      readonly parts: readonly Part[];
      /** Anchored, one group for each parameter. Two segments of the same source match the same texts. */
      readonly regex: RegExp;
      /** Number of fixed characters. A segment with more of them is tried first. */
      readonly textLength: number;
    }
  | { readonly kind: "wildcard"; readonly name: string };

export interface RoutePath {
  readonly source: string;
  readonly segments: readonly Segment[];
  /** In order of appearance. Positional parameters are named `0`, `1`, … */
  readonly names: readonly string[];
  /** The parameters that are `<int>`. Their values are numbers. */
  readonly integers: ReadonlySet<string>;
}

/** A value for a parameter of a URL. */
export type ParamValue = string | number | bigint;

/** A value for a query field: `undefined` leaves the field out, an array repeats it. */
export type QueryValue = ParamValue | boolean | undefined | readonly (ParamValue | boolean)[];

/** @throws RouteError `ROUTE_PATH_INVALID`, with the place and the reason. */
export function parsePath(source: string): RoutePath {
  if (!source.startsWith("/")) throw invalid(source, 0, "a path begins with a slash");
  if (source.startsWith("//")) throw invalid(source, 1, 'a URL that begins with "//" names another site');
  const segments: Segment[] = [];
  const names: string[] = [];
  const integers = new Set<string>();
  let positional = 0;
  let at = 0;
  while (at < source.length) {
    const start = at + 1;
    const parts: PatternPart[] = [];
    at = start;
    while (at < source.length && source[at] !== "/") {
      let part = readPart(source, at, at === start);
      if (part.kind !== "text") {
        if (part.name === "") part = { ...part, name: String(positional++) };
        if (names.includes(part.name)) throw invalid(source, at, `the parameter "${part.name}" occurs twice`);
        names.push(part.name);
        if (part.kind === "param" && part.pattern === INTEGER) integers.add(part.name);
      }
      const last = parts.at(-1);
      if (part.kind === "param" && last?.kind === "param" && last.pattern === null) {
        throw invalid(
          source,
          at,
          `nothing marks the end of "${last.name}": put a character between, or give it a pattern`,
        );
      }
      parts.push(part);
      at = part.end;
    }
    const segment = toSegment(source, start, parts);
    if (segment.kind === "wildcard" && at < source.length) throw invalid(source, start, "a wildcard ends its path");
    segments.push(segment);
  }
  return { source, segments, names, integers };
}

/**
 * The path with its parameters filled in and encoded, such that it is read back as it was given. It never names another site.
 * @throws RouteError `ROUTE_PARAM_INVALID`
 */
export function buildPath(path: RoutePath, params: Readonly<Record<string, ParamValue>>): string {
  for (const name of Object.keys(params)) {
    if (!path.names.includes(name)) throw paramInvalid(path, `it has no parameter "${name}"`);
  }
  const valueOf = (name: string): string => {
    if (!Object.hasOwn(params, name)) throw paramInvalid(path, `its parameter "${name}" is missing`);
    const value: unknown = params[name];
    if (!isParamValue(value)) {
      throw paramInvalid(path, `its parameter "${name}" is ${describe(value)}, not a string or a finite number`);
    }
    return String(value);
  };
  const url = path.segments.map((segment) => `/${buildSegment(path, segment, valueOf)}`).join("");
  if (url.startsWith("//")) throw paramInvalid(path, 'a URL that begins with "//" names another site');
  return url;
}

/**
 * The query of a URL, `?` included; the empty string where no field has a value.
 * @throws RouteError `ROUTE_PARAM_INVALID`
 */
export function buildQuery(path: RoutePath, query: Readonly<Record<string, QueryValue>>): string {
  const search = new URLSearchParams();
  for (const [name, given] of Object.entries(query)) {
    if (given === undefined) continue;
    for (const value of Array.isArray(given) ? (given as readonly unknown[]) : [given]) {
      if (!isParamValue(value) && typeof value !== "boolean") {
        throw paramInvalid(path, `its query field "${name}" is ${describe(value)}, not a string, number or boolean`);
      }
      search.append(name, String(value));
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

function isParamValue(value: unknown): value is ParamValue {
  return typeof value === "string" || typeof value === "bigint" || Number.isFinite(value);
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

type PatternPart = (
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "param"; readonly name: string; readonly pattern: string | null }
  | { readonly kind: "wildcard"; readonly name: string }
) & { readonly end: number };

/** `<int>`: digits without leading zeros, at most 15, so that a number holds the value and one number has one spelling. */
const INTEGER = String.raw`0|[1-9]\d{0,14}`;

const NAME = /[A-Za-z][A-Za-z0-9_]*/y;
/** Characters that no path holds (`?`, `#`), that our grammar uses, or that show an encoded path. */
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
    if (source[end] === "<") {
      if (!source.startsWith("<int>", end)) throw invalid(source, end, "the only converter is <int>");
      return { kind: "param", name, pattern: INTEGER, end: end + "<int>".length };
    }
    return source[end] === "(" ? readPattern(source, end, name) : { kind: "param", name, pattern: null, end };
  }
  if (char === "(") return readPattern(source, at, "");
  SPECIAL.lastIndex = at;
  const special = SPECIAL.exec(source);
  if (special?.index === at) throw invalid(source, at, `"${char}" is not allowed here; paths are written decoded`);
  const end = special?.index ?? source.length;
  return { kind: "text", text: source.slice(at, end), end };
}

function readPattern(source: string, open: number, name: string): PatternPart {
  const close = endOfPattern(source, open);
  const pattern = checkPattern(source, open, source.slice(open + 1, close));
  return { kind: "param", name, pattern, end: close + 1 };
}

/** The index of the parenthesis that closes the one at `open`. A backslash escapes; parentheses within are balanced. */
function endOfPattern(source: string, open: number): number {
  let depth = 0;
  for (let at = open; at < source.length; at += 1) {
    const char = source[at];
    if (char === "\\") at += 1;
    else if (char === "(") depth += 1;
    else if (char === ")" && (depth -= 1) === 0) return at;
  }
  throw invalid(source, open, "the parenthesis is not closed");
}

function checkPattern(source: string, at: number, pattern: string): string {
  let groups: number;
  try {
    groups = (new RegExp(`${pattern}|`, "su").exec("")?.length ?? 1) - 1;
  } catch (cause) {
    throw invalid(source, at, "the pattern is not a regular expression", { cause });
  }
  if (groups > 0) throw invalid(source, at, "a pattern has no groups of its own: write (?:…)");
  return pattern;
}

function toSegment(source: string, start: number, parts: readonly PatternPart[]): Segment {
  const [first, second] = parts;
  if (first === undefined) return { kind: "text", text: "" };
  if (first.kind === "wildcard") {
    if (second !== undefined) throw invalid(source, start, "a wildcard is alone in its segment");
    return { kind: "wildcard", name: first.name };
  }
  if (second === undefined && first.kind === "text") {
    if (isDots(first.text)) throw invalid(source, start, "clients resolve a segment of dots before they send it");
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

/** A parameter without a pattern ends where the whole text after it begins, so that matching takes linear time. */
function defaultPattern(following: readonly PatternPart[]): string {
  const [next, ...rest] = following;
  if (next?.kind !== "text" || !rest.some((part) => part.kind === "param")) return ".+";
  return `(?:(?!${escape(next.text)}).)+`;
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

/** The segment is read back: a value may match its pattern and still be divided elsewhere. */
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
      throw paramInvalid(path, `its parameter "${name}" does not match ${JSON.stringify(value)}`);
    }
  }
  return encode(path, names.join(", "), text);
}

function encode(path: RoutePath, name: string, text: string): string {
  // URL parsers resolve a segment of dots, encoded or not.
  if (isDots(text)) throw paramInvalid(path, `its parameter "${name}" cannot be ${JSON.stringify(text)}`);
  try {
    return encodeURIComponent(text);
  } catch (cause) {
    throw paramInvalid(path, `its parameter "${name}" is not valid Unicode`, { cause });
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
  return new RouteError("ROUTE_PARAM_INVALID", `Cannot build a URL of ${path.source}: ${reason}`, options);
}
