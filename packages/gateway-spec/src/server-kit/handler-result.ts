/** Checks what a handler returned, so that a mistake is named where it was made (TSGI-15, TSGI-16). */
import type { OutgoingResponse } from "../index.ts";

/** Whether a value has to be awaited: promises, those of other realms and libraries included. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    typeof (value as { readonly then?: unknown }).then === "function"
  );
}

/** Checks what a handler returned. @throws TypeError for what is no response. It names the request and what to return. */
export function checkResponse(value: unknown, method: string, target: string): asserts value is OutgoingResponse {
  if (!isResponse(value)) throw notResponse(value, method, target);
}

/** Whether a value has the form of a response: an object with a status. */
export function isResponse(value: unknown): value is OutgoingResponse {
  return typeof value === "object" && value !== null && "status" in value;
}

/** The error of a handler that returned something else. */
export function notResponse(value: unknown, method: string, target: string): TypeError {
  const without = typeof value === "object" && value !== null ? " without a status" : "";
  const hint = value === undefined ? "; is a return missing?" : "";
  return new TypeError(
    `The handler of ${method} ${target} returned ${describe(value)}${without}. It must return a response, such as ` +
      `{ status: 200, body: "text" }${hint}`,
  );
}

/** Checks the status of a response: an integer from 200 to 599. @throws TypeError for any other. */
export function checkStatus(status: unknown): void {
  if (Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599) return;
  if (status === 101) throw new TypeError("The status of a response is 101 only where upgradeWebSocket was called");
  throw new TypeError(`The status of a response is an integer from 200 to 599, not ${describe(status)}`);
}

/** Checks the status of an informational response: an integer from 102 to 199 (TSGI-33). @throws TypeError for any other. */
export function checkInformationalStatus(status: unknown): void {
  if (Number.isInteger(status) && (status as number) >= 102 && (status as number) <= 199) return;
  throw new TypeError(`The status of an informational response is an integer from 102 to 199, not ${describe(status)}`);
}

/** Names a value for an error message: its kind, and the value of a number, a boolean or a short string. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "string":
      return value.length > 32 ? "a string" : `the string ${JSON.stringify(value)}`;
    case "number":
    case "boolean":
      return `the ${typeof value} ${String(value)}`;
    case "object":
      return describeObject(value);
    case "function":
    case "symbol":
    case "bigint":
    default:
      return `a ${typeof value}`;
  }
}

function describeObject(value: object | null): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: { readonly name?: unknown } } | null;
  const name = prototype?.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? `an object of class ${name}` : "an object";
}
