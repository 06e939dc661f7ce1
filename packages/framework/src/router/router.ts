/**
 * Finds the route of a method and a path: paths without parameters in one look-up, the others in a trie of segments.
 *
 * At each segment fixed text goes before a parameter with text or a pattern, that before a plain parameter, and that before a
 * wildcard. Of two patterns the one with more fixed text goes first, then the one registered first. A path that leads nowhere
 * is given up for the next best, and so is one that lacks the method; only where no path has the method it is "method".
 */
import { RouteError } from "../errors.ts";
import { buildPath, parsePath, type ParamValue, type RoutePath, type Segment } from "./path.ts";

export type Params = Readonly<Record<string, string>>;

export type Match<Target> =
  | { readonly kind: "found"; readonly target: Target; readonly params: Params }
  /** The path is known, the method is not; `allow` lists the methods that are. */
  | { readonly kind: "method"; readonly allow: readonly string[] }
  | { readonly kind: "none" }
  /** The path's percent-encoding is broken. */
  | { readonly kind: "malformed" };

export class Router<Target> {
  readonly #fixed = new Map<string, Leaf<Target>>();
  readonly #root: Node<Target> = newNode();
  readonly #names = new Map<string, RoutePath>();
  readonly #methods = new Set<string>();

  /** @throws RouteError `ROUTE_PATH_INVALID`, `ROUTE_CONFLICT`, `ROUTE_NAME_CONFLICT` */
  add(method: string, source: string, target: Target, name?: string): void {
    const path = parsePath(source);
    const known = name === undefined ? undefined : this.#names.get(name);
    if (known !== undefined && known.source !== source) {
      throw new RouteError("ROUTE_NAME_CONFLICT", `The route name "${name}" of ${source} is taken by ${known.source}`);
    }
    const leaf = leafOf(this.#root, path);
    const other = leaf.get(method);
    if (other !== undefined) {
      throw new RouteError("ROUTE_CONFLICT", `${method} ${source} answers the same requests as ${other.path.source}`);
    }
    leaf.set(method, { path, target });
    if (path.names.length === 0) this.#fixed.set(source, leaf);
    if (name !== undefined) this.#names.set(name, path);
    this.#methods.add(method);
  }

  /** @param path as received: not decoded, without the query. */
  match(method: string, path: string): Match<Target> {
    // Fixed paths hold no "%", so one that is found needs no decoding.
    const fixed = this.#fixed.get(path);
    const entry = fixed === undefined ? undefined : entryOf(fixed, method);
    if (entry !== undefined) return { kind: "found", target: entry.target, params: NO_PARAMS };

    if (!path.startsWith("/")) return { kind: "none" };
    const segments = decode(path);
    if (segments === null) return { kind: "malformed" };
    const search: Search = { method, segments, captures: [], allowed: new Set() };
    const found = walk(this.#root, 0, search);
    if (found !== undefined)
      return { kind: "found", target: found.target, params: toParams(found.path, search.captures) };
    return search.allowed.size === 0 ? { kind: "none" } : { kind: "method", allow: withImplied(search.allowed) };
  }

  /** All methods that some route answers, for `OPTIONS *`. */
  get methods(): readonly string[] {
    return withImplied(this.#methods);
  }

  /** @throws RouteError `ROUTE_NAME_UNKNOWN`, `ROUTE_PARAM_INVALID` */
  urlFor(name: string, params: Readonly<Record<string, ParamValue>> = {}): string {
    const path = this.#names.get(name);
    if (path === undefined) throw new RouteError("ROUTE_NAME_UNKNOWN", `No route has the name "${name}"`);
    return buildPath(path, params);
  }
}

interface Entry<Target> {
  readonly path: RoutePath;
  readonly target: Target;
}

/** What answers one path, by method. */
type Leaf<Target> = Map<string, Entry<Target>>;

interface Node<Target> {
  readonly texts: Map<string, Node<Target>>;
  /** In the order they are tried. */
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
  readonly segments: readonly string[];
  readonly captures: string[];
  readonly allowed: Set<string>;
}

const NO_PARAMS: Params = Object.freeze({});

function newNode<Target>(): Node<Target> {
  return { texts: new Map(), patterns: [], param: null, wildcard: null, leaf: null };
}

/** The leaf of a path, made where it is missing. */
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
    const child = node.texts.get(segment.text) ?? newNode();
    node.texts.set(segment.text, child);
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

/** Visits each node at most once, so its cost is bounded by the number of routes. */
function walk<Target>(node: Node<Target>, depth: number, search: Search): Entry<Target> | undefined {
  const { segments, captures } = search;
  const segment = segments[depth];
  if (segment === undefined) return node.leaf === null ? undefined : choose(node.leaf, search);
  const mark = captures.length;

  const text = node.texts.get(segment);
  const byText = text === undefined ? undefined : walk(text, depth + 1, search);
  if (byText !== undefined) return byText;

  for (const { regex, node: next } of node.patterns) {
    const groups = regex.exec(segment);
    if (groups === null) continue;
    for (let i = 1; i < groups.length; i += 1) captures.push(groups[i] ?? "");
    const byPattern = walk(next, depth + 1, search);
    if (byPattern !== undefined) return byPattern;
    captures.length = mark;
  }

  if (node.param !== null && segment !== "") {
    captures.push(segment);
    const byParam = walk(node.param, depth + 1, search);
    if (byParam !== undefined) return byParam;
    captures.length = mark;
  }

  if (node.wildcard === null) return undefined;
  const byWildcard = choose(node.wildcard, search);
  if (byWildcard !== undefined) captures.push(segments.slice(depth).join("/"));
  return byWildcard;
}

function choose<Target>(leaf: Leaf<Target>, search: Search): Entry<Target> | undefined {
  const entry = entryOf(leaf, search.method);
  if (entry === undefined) for (const method of leaf.keys()) search.allowed.add(method);
  return entry;
}

/** RFC 9110 §9.3.2: HEAD is answered as GET would be. */
function entryOf<Target>(leaf: Leaf<Target>, method: string): Entry<Target> | undefined {
  return leaf.get(method) ?? (method === "HEAD" ? leaf.get("GET") : undefined);
}

/** With the methods that nobody registers: HEAD where there is GET, and OPTIONS. */
function withImplied(methods: ReadonlySet<string>): readonly string[] {
  return [...new Set([...methods, ...(methods.has("GET") ? ["HEAD"] : []), "OPTIONS"])].toSorted();
}

/** The segments after the first slash, decoded; `null` where the encoding is broken. */
function decode(path: string): readonly string[] | null {
  const segments = path.slice(1).split("/");
  if (!path.includes("%")) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return null;
  }
}

function toParams(path: RoutePath, captures: readonly string[]): Params {
  const params: Record<string, string> = {};
  for (let i = 0; i < path.names.length; i += 1) params[path.names[i] ?? ""] = captures[i] ?? "";
  return params;
}
