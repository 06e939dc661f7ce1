/**
 * What a handler may return, and the response that it becomes:
 *
 * - a string is HTML;
 * - a response is sent as it is: a web `Response` (or any object of a class with `status`, `headers` and `body`), or a plain
 *   object with a final status (or 101) whose keys are all among `status`, `headers`, `body` and `trailers`;
 * - any other object or array is JSON; where data could be taken for a response, `ctx.reply` says that it is data;
 * - `null` is 204, no content;
 * - anything else is a mistake: `undefined` is most often a forgotten `return`, and bytes and streams need a content type.
 */
import type { HeaderFields, OutgoingResponse } from "@tsgi/gateway-spec";
import { eachField } from "@tsgi/gateway-spec/server-kit";

/** `object` is a response or what JSON can say; see the top of `results.ts` for the rule that tells them apart. */
export type HandlerResult = string | object | null;

export interface ReplyOptions {
  /** Default 200; 204 for `null`. */
  readonly status?: number;
  /** A `content-type` given here replaces the usual one. */
  readonly headers?: HeaderFields;
}

/** @throws TypeError for what is no {@link HandlerResult}. */
export function toResponse(result: unknown, options?: ReplyOptions): OutgoingResponse {
  return isResponse(result) ? result : reply(result, options);
}

/**
 * A response of a value that is data, whatever it looks like: a string is HTML, an object JSON, `null` no content.
 * @throws TypeError for anything else.
 */
export function reply(value: unknown, { status, headers }: ReplyOptions = {}): OutgoingResponse {
  if (typeof value === "string") return withContent("text/html; charset=utf-8", value, status, headers);
  if (value === null) return { status: status ?? 204, headers: headers ?? {}, body: null };
  if (typeof value !== "object") throw unusable(typeof value);
  if (isBinary(value)) throw unusable("bytes or a stream");
  const json: unknown = JSON.stringify(value);
  if (typeof json !== "string") throw unusable("an object that has no JSON");
  return withContent("application/json", json, status, headers);
}

function withContent(type: string, body: string, status = 200, headers?: HeaderFields): OutgoingResponse {
  if (headers === undefined) return { status, headers: { "content-type": type }, body };
  const lines = toLines(headers);
  const typed = lines.some(([name]) => name.toLowerCase() === "content-type");
  return { status, headers: typed ? lines : [["content-type", type], ...lines], body };
}

/** Header fields of either shape as pairs. */
export function toLines(headers: HeaderFields): readonly (readonly [string, string])[] {
  const lines: [string, string][] = [];
  eachField(headers, (name, value) => void lines.push([name, value]));
  return lines;
}

const RESPONSE_KEYS: ReadonlySet<string> = new Set<keyof OutgoingResponse>(["status", "headers", "body", "trailers"]);

function isResponse(value: unknown): value is OutgoingResponse {
  if (typeof value !== "object" || value === null) return false;
  if (!("status" in value) || !isFinalStatus(value.status)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return "headers" in value && "body" in value;
  return Object.keys(value).every((key) => RESPONSE_KEYS.has(key));
}

function isFinalStatus(status: unknown): boolean {
  return status === 101 || (Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599);
}

function isBinary(value: object): boolean {
  return (
    ArrayBuffer.isView(value) || value instanceof ArrayBuffer || Symbol.asyncIterator in value || "getReader" in value
  );
}

function unusable(what: string): TypeError {
  return new TypeError(
    `A handler returned ${what}. It may return a string (HTML), an object (JSON), null (no content) or a response; ` +
      "bytes and streams go into the body of a response",
  );
}
