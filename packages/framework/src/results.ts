/** The results of handlers, and the responses that they become. */
import type { HeaderFields, OutgoingResponse, ResponseBody } from "@tsgi/gateway-spec";
import { Html } from "./html.ts";
import { assertJson, UnsendableError } from "./json.ts";
import { fieldLines, fieldOf } from "./response-fields.ts";

/**
 * What a handler may return, and the response that it becomes:
 *
 * - a string is `text/plain`; {@link Html}, made by the `html` tag, is `text/html`;
 * - a {@link Reply}, made by `render`, `reply`, `redirect` or `respond`, and a web `Response` are sent as they are;
 * - a {@link StatusResult}, made by `withStatus`, is its data with that status;
 * - any other object or array is JSON, whatever its members are called: data from a client never becomes a response;
 * - `null` is 204, no content;
 * - anything else is an error: `undefined` is most often a forgotten `return`, bytes and streams need a content type, and a
 *   `Map` or an `Error` would become `{}`.
 */
export type HandlerResult = string | object | null;

/** The status and the header fields of a {@link Reply}. */
export interface ReplyOptions {
  /** Default 200; 204 for `null`. */
  readonly status?: number;
  /** A `content-type` given here replaces the usual one. */
  readonly headers?: HeaderFields;
}

/** A response that a helper of this package made. Handlers recognize it by its class, which no data has. */
export class Reply implements OutgoingResponse {
  readonly status: number;
  /** The header fields, one line each. */
  readonly headers: HeaderFields;
  /** The body, as the contract has it. */
  readonly body: ResponseBody | null;
  declare readonly trailers?: NonNullable<OutgoingResponse["trailers"]>;
  /** Keeps the type nominal: a literal with the same members is data. */
  readonly #reply = true;

  constructor(status: number, headers: HeaderFields, body: ResponseBody | null) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  static is(value: object): value is Reply {
    return #reply in value && value.#reply;
  }
}

/** A value with its status. {@link withStatus} creates it; a route whose `response` names several statuses checks it. */
export class StatusResult<Status extends number = number, Data = unknown> {
  readonly status: Status;
  readonly data: Data;
  /** Keeps the type nominal, as that of {@link Reply}. */
  readonly #statusResult = true;

  constructor(status: Status, data: Data) {
    this.status = status;
    this.data = data;
  }

  static is(value: unknown): value is StatusResult {
    return typeof value === "object" && value !== null && #statusResult in value && value.#statusResult;
  }
}

/**
 * A result with another status than the usual one: `return withStatus(404, { reason: "sold" })`. In a route with
 * `response: { 200: Item, 404: Reason }` the compiler and the schema of that status check it.
 */
export function withStatus<const Status extends number, Data>(status: Status, data: Data): StatusResult<Status, Data> {
  return new StatusResult(status, data);
}

/**
 * Marks a response of the contract as a handler's result: of an event stream, of static files, of another application. Without
 * it a plain object is data.
 */
export function respond({ status, headers = {}, body = null, trailers }: OutgoingResponse): Reply {
  const reply = new Reply(status, headers, body);
  return trailers === undefined ? reply : Object.assign(reply, { trailers });
}

/** @throws TypeError for a value that is not a {@link HandlerResult}. */
export function toResponse(result: unknown, status?: number): OutgoingResponse {
  if (isResponse(result)) return result;
  if (typeof result === "string") return new Reply(status ?? 200, TEXT_FIELDS, result);
  if (result === null) return new Reply(status ?? 204, NO_FIELDS, null);
  if (result instanceof Html) return new Reply(status ?? 200, HTML_FIELDS, result.toString());
  if (StatusResult.is(result)) return toResponse(result.data, result.status);
  assertJson(result);
  return new Reply(status ?? 200, JSON_FIELDS, JSON.stringify(result));
}

/**
 * A response of a value that is data: a string is plain text, {@link Html} is HTML, an object is JSON, `null` is no content.
 * @throws TypeError for anything else, responses included.
 */
export function reply(value: unknown, { status, headers }: ReplyOptions = {}): Reply {
  if (isResponse(value)) {
    throw new UnsendableError("a response, which is complete");
  }
  const plain = toResponse(value, status) as Reply;
  if (headers === undefined) return plain;
  const given = fieldLines(headers);
  const usual = fieldLines(plain.headers).filter(([name]) => fieldOf(given, name) === null);
  return new Reply(plain.status, [...usual, ...given], plain.body);
}

/** Whether a value is a response by its class. A plain object never is. */
export function isResponse(value: unknown): value is Reply | Response {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return false;
  return Reply.is(value) || value instanceof Response || isForeignResponse(value);
}

/** The class of a library, or of another realm. */
function isForeignResponse(value: object): boolean {
  return (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "Response";
}

/**
 * One object for each type, so that equal responses share their fields. `nosniff` belongs to a type: without it a browser may take
 * plain text for a page.
 */
export const TEXT_FIELDS: HeaderFields = fieldsOf("text/plain; charset=utf-8");
export const JSON_FIELDS: HeaderFields = fieldsOf("application/json");
const HTML_FIELDS: HeaderFields = fieldsOf("text/html; charset=utf-8");
const NO_FIELDS: HeaderFields = Object.freeze({});

function fieldsOf(type: string): HeaderFields {
  return Object.freeze({ "content-type": type, "x-content-type-options": "nosniff" });
}
