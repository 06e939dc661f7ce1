/**
 * Refuses values that JSON cannot hold. `JSON.stringify` writes `{}` for a `Map`, a promise or an `Error`, `null` for `NaN`, and
 * leaves functions out: wrong data with status 200.
 */
import { Html } from "./html.ts";

export class UnsendableError extends TypeError {
  constructor(what: string) {
    super(
      `A handler returned ${what}. It may return a string (plain text), html or render (HTML), an object (JSON), null (no ` +
        "content) or a response; bytes and streams go into the body of a response",
    );
  }
}

/** @throws UnsendableError, with the place of the value. */
export function assertJson(value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw new UnsendableError(value === undefined ? "undefined" : `a ${typeof value}`);
  }
  check(value, "", 0);
}

/** Deeper values, cyclic ones included, are left to `JSON.stringify`. */
const MAX_DEPTH = 100;

function check(value: unknown, path: string, depth: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return;
    case "number":
      if (!Number.isFinite(value)) throw unsendable(String(value), path);
      return;
    case "object":
      if (value !== null && depth < MAX_DEPTH) checkObject(value, path, depth);
      return;
    case "bigint":
      throw unsendable("a bigint (write String(value))", path);
    case "function":
    case "symbol":
      throw unsendable(`a ${typeof value}`, path);
  }
}

function checkObject(value: object, path: string, depth: number): void {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) check(value[i], path === "" ? `[${i}]` : `${path}[${i}]`, depth + 1);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const problem = problemOf(value);
    if (problem !== null) throw unsendable(problem, path);
  }
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === "function") return;
  for (const name in value) {
    const member = (value as Readonly<Record<string, unknown>>)[name];
    // Most members are strings: the path is written for the others only.
    if (typeof member !== "string" && Object.hasOwn(value, name))
      check(member, path === "" ? name : `${path}.${name}`, depth + 1);
  }
}

/** What an object of a class is, where its data is not in its own members; `null` where it is. */
function problemOf(value: object): string | null {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return "bytes";
  if ("toJSON" in value && typeof value.toJSON === "function") return null;
  if (value instanceof Error) return "an Error (throw it)";
  if (value instanceof Html) return "HTML (write String(value), or html`${…}` around an array)";
  if ("then" in value && typeof value.then === "function") return "a promise (await it)";
  if (Symbol.asyncIterator in value || "getReader" in value) return "a stream";
  if (Symbol.iterator in value || Symbol.toStringTag in value || value instanceof RegExp) {
    return `a ${value.constructor.name} (write Object.fromEntries(…) or an array)`;
  }
  return null;
}

function unsendable(what: string, path: string): UnsendableError {
  return new UnsendableError(path === "" ? what : `${what} at "${path}"`);
}
