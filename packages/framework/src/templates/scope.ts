/** What a view sees as `it`: its data, where a name that is not there is an error instead of `undefined`. */
import { CONTENT } from "./syntax.ts";

/** A page on its way into a layout, where it goes once. */
export class Content {
  readonly #page: string;
  #placed = false;

  constructor(page: string) {
    this.#page = page;
  }

  get placed(): boolean {
    return this.#placed;
  }

  place(): string {
    if (this.#placed) throw new ContentError(`${CONTENT} stands here a second time`);
    this.#placed = true;
    return this.#page;
  }
}

export class ContentError extends Error {}

/** A value that a view names and nobody gave it. */
export class MissingError extends ReferenceError {}

/** @param content `null` in a page and in what is included. */
export function scopeOf(data: object, content: Content | null): object {
  // Without a prototype: "constructor" is no data.
  const own = Object.assign(Object.create(null) as Record<string, unknown>, data);
  return new Proxy(own, {
    get(target, name) {
      if (name === CONTENT) {
        if (content === null) throw new ContentError(`${CONTENT} stands in a view that is not a layout`);
        return content.place();
      }
      if (typeof name === "string" && !(name in target)) throw new MissingError(missing(name, Object.keys(target)));
      return Reflect.get(target, name) as unknown;
    },
  });
}

/** What a tag writes: `null` is nothing, `undefined` a mistake. */
export function toText(value: unknown): string {
  if (value === undefined) throw new MissingError("the value of this tag is undefined");
  // oxlint-disable-next-line typescript/no-base-to-string -- how a value looks as text is its own affair
  return value === null ? "" : String(value);
}

function missing(name: string, known: readonly string[]): string {
  return `"${name}" is not among the data of this view, which are ${known.length === 0 ? "none" : known.join(", ")}`;
}
