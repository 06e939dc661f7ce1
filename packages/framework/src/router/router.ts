/**
 * Finds the route of a method and a path in a trie of segments.
 *
 * Each segment tries fixed text first, then text mixed with parameters or patterns, then a plain parameter, then a wildcard.
 * Of two patterns the one with more fixed text is first, then the one registered first. A branch without a match, or without
 * the method, is given up for the next one. The result is "method" only where no matching path has the method.
 */
import {
  buildPath,
  buildQuery,
  parsePath,
  type ParamValue,
  type QueryValue,
  type RoutePath,
  type Segment,
} from "./path.ts";
import type { Place } from "./place.ts";
import { hasOneReading } from "./request-path.ts";
import { RouteError } from "./route-error.ts";

/** Strings, and numbers for `<int>`. */
export type Params = Readonly<Record<string, string | number>>;

export type Match<Target> =
  | { readonly kind: "found"; readonly target: Target; readonly params: Params }
  /** The path is known, the method is not; `allow` lists the methods that are. */
  | { readonly kind: "method"; readonly allow: readonly string[] }
  | { readonly kind: "none" }
  /** The percent-encoding is broken, or the path has two readings. */
  | { readonly kind: "malformed" };

export interface Registration {
  /** For `urlFor`. */
  readonly name?: string | undefined;
  /** Whether another path may have the name too, as long as `urlFor` is not asked for it. */
  readonly sharesName?: boolean;
  /** Where the program registers the route. */
  readonly place?: Place | undefined;
}

/** A route of this method matches every method that the path does not have. */
export const ANY_METHOD = "*";

export class Router<Target> {
  readonly #root: Node<Target> = newNode();
  readonly #names = new Map<string, Named[]>();
  readonly #methods = new Set<string>();

  /** @throws RouteError `ROUTE_PATH_INVALID`, `ROUTE_CONFLICT`, `ROUTE_NAME_CONFLICT` */
  add(method: string, source: string, target: Target, registration: Registration = {}): void {
    const path = parsePath(source);
    const { place } = registration;
    const leaf = leafOf(this.#root, path);
    const other = leaf.get(method);
    if (other !== undefined) {
      throw new RouteError(
        "ROUTE_CONFLICT",
        `${method} ${source}${at(place)} matches the same requests as ${other.path.source}${at(other.place)}`,
      );
    }
    this.#addName(path, registration);
    leaf.set(method, { path, target, place });
    if (method !== ANY_METHOD) this.#methods.add(method);
  }

  #addName(path: RoutePath, { name, sharesName = false, place }: Registration): void {
    if (name === undefined) return;
    const named = this.#names.get(name) ?? [];
    const other = named.find((known) => known.path.source !== path.source);
    if (other !== undefined && !(sharesName && other.sharesName)) {
      throw new RouteError(
        "ROUTE_NAME_CONFLICT",
        `The name "${name}" of ${path.source}${at(place)} is taken by ${other.path.source}${at(other.place)}`,
      );
    }
    this.#names.set(name, [...named, { path, sharesName, place }]);
  }

  /** @param path as received: not decoded, without the query. */
  match(method: string, path: string): Match<Target> {
    if (!path.startsWith("/")) return NONE;
    if (!hasOneReading(path)) return MALFORMED;
    const decoded = path.includes("%") ? decode(path) : null;
    if (decoded === undefined) return MALFORMED;
    const search: Search = { method, path, decoded, captures: [], allowed: null };
    const found = walk(this.#root, 0, 1, search);
    if (found !== undefined) {
      return { kind: "found", target: found.target, params: toParams(found.path, search.captures) };
    }
    return search.allowed === null ? NONE : { kind: "method", allow: withImplied(search.allowed) };
  }

  /** All methods of all routes, for `OPTIONS *`. */
  get methods(): readonly string[] {
    return withImplied(this.#methods);
  }

  /** @throws RouteError `ROUTE_NAME_UNKNOWN`, `ROUTE_PARAM_INVALID` */
  urlFor(
    name: string,
    params: Readonly<Record<string, ParamValue>> = {},
    query: Readonly<Record<string, QueryValue>> = {},
  ): string {
    const path = this.#pathNamed(name);
    return buildPath(path, params) + buildQuery(path, query);
  }

  #pathNamed(name: string): RoutePath {
    const [first, ...others] = this.#names.get(name) ?? [];
    if (first === undefined) throw new RouteError("ROUTE_NAME_UNKNOWN", `No route has the name "${name}"`);
    const other = others.find((named) => named.path.source !== first.path.source);
    if (other === undefined) return first.path;
    throw new RouteError(
      "ROUTE_NAME_UNKNOWN",
      `Two paths have the name "${name}": ${first.path.source}${at(first.place)} and ${other.path.source}${at(other.place)}`,
    );
  }
}

interface Named {
  readonly path: RoutePath;
  readonly sharesName: boolean;
  readonly place: Place | undefined;
}

interface Entry<Target> {
  readonly path: RoutePath;
  readonly target: Target;
  readonly place: Place | undefined;
}

/** The routes of one path, by method. */
type Leaf<Target> = Map<string, Entry<Target>>;

interface Node<Target> {
  texts: Map<string, Node<Target>> | null;
  /** In the order in which they are tried. */
  readonly patterns: PatternEdge<Target>[];
  param: Node<Target> | null;
  wildcard: Leaf<Target> | null;
  /** Where a path ends here. */
  leaf: Leaf<Target> | null;
}

interface PatternEdge<Target> {
  readonly regex: RegExp;
  readonly textLength: number;
  readonly node: Node<Target>;
}

interface Search {
  readonly method: string;
  /** As received. */
  readonly path: string;
  /** The decoded segments of a path with percent-encoding; of any other path, slices of it are the segments. */
  readonly decoded: readonly string[] | null;
  readonly captures: string[];
  /** The methods of the paths that match, some twice. Created with the first one: most requests have no use for it. */
  allowed: string[] | null;
}

const NO_PARAMS: Params = Object.freeze({});
const NONE = { kind: "none" } as const;
const MALFORMED = { kind: "malformed" } as const;

function at(place: Place | undefined): string {
  const text = place?.();
  return text === undefined ? "" : ` (${text})`;
}

function newNode<Target>(): Node<Target> {
  return { texts: null, patterns: [], param: null, wildcard: null, leaf: null };
}

/** The leaf of a path, created where it is missing. */
function leafOf<Target>(root: Node<Target>, path: RoutePath): Leaf<Target> {
  let node = root;
  for (const segment of path.segments) {
    if (segment.kind === "wildcard") return (node.wildcard ??= new Map());
    node = childOf(node, segment);
  }
  return (node.leaf ??= new Map());
}

function childOf<Target>(node: Node<Target>, segment: Exclude<Segment, { kind: "wildcard" }>): Node<Target> {
  if (segment.kind === "param") return (node.param ??= newNode());
  if (segment.kind === "text") {
    const texts = (node.texts ??= new Map<string, Node<Target>>());
    const child = texts.get(segment.text) ?? newNode();
    texts.set(segment.text, child);
    return child;
  }
  const { regex, textLength } = segment;
  const same = node.patterns.find((edge) => edge.regex.source === regex.source);
  if (same !== undefined) return same.node;
  const edge = { regex, textLength, node: newNode<Target>() };
  const after = node.patterns.findIndex((other) => other.textLength < textLength);
  node.patterns.splice(after === -1 ? node.patterns.length : after, 0, edge);
  return edge.node;
}

/**
 * Visits each node at most once, so the number of routes bounds its cost.
 * @param start where the segment begins in the path, or -1 behind the last one.
 */
function walk<Target>(node: Node<Target>, depth: number, start: number, search: Search): Entry<Target> | undefined {
  if (start === -1) return node.leaf === null ? undefined : choose(node.leaf, search);
  const { path, decoded, captures } = search;
  const slash = path.indexOf("/", start);
  const next = slash === -1 ? -1 : slash + 1;
  const segment = decoded === null ? path.slice(start, slash === -1 ? path.length : slash) : (decoded[depth] ?? "");
  const mark = captures.length;

  const text = node.texts?.get(segment);
  const byText = text === undefined ? undefined : walk(text, depth + 1, next, search);
  if (byText !== undefined) return byText;

  for (const { regex, node: following } of node.patterns) {
    const groups = regex.exec(segment);
    if (groups === null) continue;
    for (let i = 1; i < groups.length; i += 1) captures.push(groups[i] ?? "");
    const byPattern = walk(following, depth + 1, next, search);
    if (byPattern !== undefined) return byPattern;
    captures.length = mark;
  }

  if (node.param !== null && segment !== "") {
    captures.push(segment);
    const byParam = walk(node.param, depth + 1, next, search);
    if (byParam !== undefined) return byParam;
    captures.length = mark;
  }

  if (node.wildcard === null) return undefined;
  const byWildcard = choose(node.wildcard, search);
  if (byWildcard !== undefined) captures.push(decoded === null ? path.slice(start) : decoded.slice(depth).join("/"));
  return byWildcard;
}

function choose<Target>(leaf: Leaf<Target>, search: Search): Entry<Target> | undefined {
  const entry = entryOf(leaf, search.method);
  if (entry === undefined) for (const method of leaf.keys()) (search.allowed ??= []).push(method);
  return entry;
}

/** RFC 9110 §9.3.2: a GET route handles HEAD too. */
function entryOf<Target>(leaf: Leaf<Target>, method: string): Entry<Target> | undefined {
  return leaf.get(method) ?? (method === "HEAD" ? leaf.get("GET") : undefined) ?? leaf.get(ANY_METHOD);
}

/** Adds the methods that no route registers: HEAD where there is GET, and OPTIONS. */
function withImplied(methods: Iterable<string>): readonly string[] {
  const all = new Set(methods).add("OPTIONS");
  if (all.has("GET")) all.add("HEAD");
  return [...all].toSorted();
}

/** The segments after the first slash, decoded; `undefined` where the encoding is broken. */
function decode(path: string): readonly string[] | undefined {
  try {
    return path.slice(1).split("/").map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function toParams({ names, integers }: RoutePath, captures: readonly string[]): Params {
  if (names.length === 0) return NO_PARAMS;
  const params: Record<string, string | number> = {};
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] ?? "";
    const value = captures[i] ?? "";
    params[name] = integers.size > 0 && integers.has(name) ? Number(value) : value;
  }
  return params;
}
