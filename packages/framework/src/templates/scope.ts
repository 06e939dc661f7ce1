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
  return toScope(valuesOf(data), helpers, content);
}

/** The helpers of the request for which a view is rendered. */
export function helpersOf(scope: object): object {
  return (scope as { readonly [HELPERS]: object })[HELPERS];
}

/** The scope of an included view: the data of the view that includes it, and `more`. */
export function extendScope(scope: object, more: object): object {
  const values = Object.create(null) as Values;
  Object.defineProperties(values, Object.getOwnPropertyDescriptors((scope as { [VALUES]: Values })[VALUES]));
  // Not Object.assign, which calls setters and fails where a getter has none.
  Object.defineProperties(values, Object.getOwnPropertyDescriptors(valuesOf(more)));
  return toScope(values, helpersOf(scope), null);
}

/** The values behind a scope, and its helpers. */
const VALUES = Symbol("values");
const HELPERS = Symbol("helpers");

function toScope(values: Values, helpers: object, content: Content | null): object {
  return new Proxy(values, {
    get(target, name) {
      if (typeof name === "symbol") return name === VALUES ? target : name === HELPERS ? helpers : undefined;
      const value = target[name];
      if (value === undefined && !(name in target)) return missing(name, target, content);
      if (isThenable(value)) throw new NoTextError(value, `"${name}" is a promise: await it before you render`);
      return value;
    },
  });
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

/** The members of an object, without those of Object.prototype: "constructor" is not data. */
function valuesOf(data: object): Values {
  const values = Object.assign(Object.create(null) as Values, data);
  let level: unknown = Object.getPrototypeOf(data);
  while (isObject(level) && level !== Object.prototype) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (name in values || name === "constructor") continue;
      Object.defineProperty(values, name, inherited(data, name, descriptor));
    }
    level = Object.getPrototypeOf(level);
  }
  return values;
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

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
