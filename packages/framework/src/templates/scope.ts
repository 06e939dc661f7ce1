/** What a view has as `it`: its data, where a name that is not among the data is an error instead of `undefined`. */
import { NoTextError } from "../html.ts";
import { isThenable } from "../thenable.ts";
import { CONTENT } from "./tags.ts";

/** A rendered page that its layout writes once. */
export class Content {
  readonly #page: string;
  #written = false;

  constructor(page: string) {
    this.#page = page;
  }

  get written(): boolean {
    return this.#written;
  }

  write(): string {
    if (this.#written) throw new ContentError(`${CONTENT} stands here a second time`);
    this.#written = true;
    return this.#page;
  }
}

export class ContentError extends Error {}

/** A name that is not among the data of the view. */
export class MissingError extends ReferenceError {}

type Values = Record<string, unknown>;

/**
 * @param helpers are not data; see {@link helpersOf}.
 * @param content `null` in a page and in an included view.
 */
export function createScope(data: object, helpers: object, content: Content | null): object {
  return toScope(Object.create(null) as Values, data, helpers, content, false);
}

/** The scope of an included view: the data of the view that includes it, and `more`. */
export function extendScope(scope: object, more: object): object {
  const { values, helpers, hasGetters } = scopeBehind(scope);
  const copy = Object.create(null) as Values;
  // To assign would call the getters of a class, also those that the view does not read.
  if (hasGetters) Object.defineProperties(copy, Object.getOwnPropertyDescriptors(values));
  else Object.assign(copy, values);
  return toScope(copy, more, helpers, null, hasGetters);
}

/** The helpers of the request for which a view is rendered. */
export function helpersOf(scope: object): object {
  return scopeBehind(scope).helpers;
}

/** The name under which a proxy gives its scope. */
const BEHIND = Symbol("scope");

function scopeBehind(scope: object): Scope {
  return (scope as { readonly [BEHIND]: Scope })[BEHIND];
}

function toScope(values: Values, data: object, helpers: object, content: Content | null, hadGetters: boolean): object {
  const hasGetters = hadGetters || baseOf(data) !== null;
  addMembers(values, data, hasGetters);
  return new Proxy(values, new Scope(values, helpers, content, hasGetters));
}

/** The handler of a proxy, and what is behind it. */
class Scope implements ProxyHandler<Values> {
  readonly values: Values;
  readonly helpers: object;
  readonly hasGetters: boolean;
  readonly #content: Content | null;

  constructor(values: Values, helpers: object, content: Content | null, hasGetters: boolean) {
    this.values = values;
    this.helpers = helpers;
    this.hasGetters = hasGetters;
    this.#content = content;
  }

  get(values: Values, name: string | symbol): unknown {
    if (typeof name === "symbol") return name === BEHIND ? this : undefined;
    const value = values[name];
    if (value === undefined && !(name in values)) return missing(name, values, this.#content);
    if (isThenable(value)) throw new NoTextError(value, `"${name}" is a promise: await it before you render`);
    return value;
  }
}

/** The value of a name that is not among the data. @throws MissingError */
function missing(name: string, values: Values, content: Content | null): unknown {
  if (name === CONTENT) {
    if (content === null) throw new ContentError(`${CONTENT} stands in a view that is not a layout`);
    return content.write();
  }
  // JSON.stringify(it) asks for it.
  if (name === "toJSON") return undefined;
  const known = Object.keys(values).join(", ") || "none";
  throw new MissingError(`"${name}" is not among the data of this view, which are ${known}`);
}

/** Adds the members of an object, without those of Object.prototype: "constructor" is not data. */
function addMembers(values: Values, data: object, hasGetters: boolean): void {
  if (!hasGetters) {
    Object.assign(values, data);
    return;
  }
  // Not by assignment, which fails where the including view has a getter of that name.
  for (const [name, value] of Object.entries(data)) {
    Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true });
  }
  const known = new Set(["constructor", ...Object.keys(data)]);
  for (let level = baseOf(data); level !== null; level = baseOf(level)) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (known.has(name)) continue;
      known.add(name);
      Object.defineProperty(values, name, inherited(data, name, descriptor));
    }
  }
}

/** The prototype of an object, unless it is that of plain objects. */
function baseOf(object: object): object | null {
  const base = Object.getPrototypeOf(object) as object | null;
  return base === Object.prototype ? null : base;
}

/** A getter or method of a class, which works on the object itself: a proxy has no private members. */
function inherited(data: object, name: string, descriptor: PropertyDescriptor): PropertyDescriptor {
  if (descriptor.get !== undefined) {
    return { get: () => Reflect.get(data, name) as unknown, enumerable: true, configurable: true };
  }
  const value: unknown = descriptor.value;
  return typeof value === "function"
    ? { value: value.bind(data) as unknown, configurable: true }
    : { value, enumerable: true, configurable: true };
}
