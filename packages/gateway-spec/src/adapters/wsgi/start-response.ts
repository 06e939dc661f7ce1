/** `startResponse` by the rules of PEP 3333, "The start_response() Callable". */
import { inspect } from "node:util";
import { FORBIDDEN_IN_FIELD_VALUE, TOKEN } from "../../server-kit/fields.ts";
import { toBytes } from "./application.ts";
import type { StartResponse } from "./types.ts";

type Fields = readonly (readonly [string, string])[];

export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
  readonly contentLength: number | null;
}

/** The head of one response, and what `write` was given. */
export class ResponseStart {
  /** Pieces of `write` that have not been sent. */
  readonly written: Uint8Array[] = [];
  #head: ResponseHead | null = null;
  #sent = false;
  #writtenBytes = 0;

  readonly startResponse: StartResponse = (status, headers, excInfo = null) => {
    if (excInfo !== null) {
      if (this.#sent) throw excInfo instanceof Error ? excInfo : excInfo[1];
    } else if (this.#head !== null) {
      throw new Error("startResponse was called twice: only a call with excInfo may replace the first head");
    }
    const fields = readFields(headers);
    const head = { status: readStatus(status), fields, contentLength: readContentLength(fields) };
    this.#head = head;
    return (data) => {
      const bytes = toBytes(data);
      this.#sent = true;
      this.#writtenBytes += bytes.byteLength;
      if (head.contentLength !== null && this.#writtenBytes > head.contentLength) {
        throw new Error(`write was given more bytes than the Content-Length of ${head.contentLength}`);
      }
      if (bytes.byteLength > 0) this.written.push(bytes);
    };
  };

  /** The head, which is final from now on. */
  send(): ResponseHead {
    if (this.#head === null) {
      throw new Error("The WSGI application must call startResponse before the first piece of its body");
    }
    this.#sent = true;
    return this.#head;
  }
}

/** @throws TypeError if the status cannot be sent. */
export function readStatus(status: unknown): number {
  const [, digits] = (typeof status === "string" ? /^([2-5]\d\d) \S/.exec(status) : null) ?? [];
  if (digits === undefined) {
    throw new TypeError(
      `startResponse: the status must be a string from 200 to 599 with a reason, such as "200 OK", not ${show(status)}`,
    );
  }
  return Number(digits);
}

/** RFC 2616 §13.5.1, whose fields PEP 3333 forbids to applications. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailers",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A copy, because the application may change its list after the call.
 * @throws TypeError if the headers cannot be sent.
 */
export function readFields(headers: unknown): Fields {
  if (!isList(headers)) {
    throw new TypeError(
      `startResponse: the headers must be a list of pairs, such as [["Content-Type", "text/html"]], not ${show(headers)}`,
    );
  }
  return headers.map((pair, index) => {
    if (!isList(pair) || pair.length !== 2) throw notPairs(headers.slice(index));
    const [name, value] = pair;
    if (typeof name !== "string" || !TOKEN.test(name)) {
      throw new TypeError(`startResponse: ${show(name)} is not the name of a header field, such as "Content-Type"`);
    }
    if (HOP_BY_HOP.has(name.toLowerCase())) {
      throw new TypeError(`startResponse: leave out ${name}: the server controls the connection`);
    }
    if (typeof value !== "string") {
      const text = typeof value === "number" ? `, such as "${value}"` : "";
      throw new TypeError(`startResponse: the value of ${name} must be a string${text}, not ${show(value)}`);
    }
    if (FORBIDDEN_IN_FIELD_VALUE.test(value) || /^[ \t]|[ \t]$/.test(value)) {
      throw new TypeError(
        `startResponse: the value of ${name} must be ISO-8859-1 text without control characters and surrounding white space, not ${show(value)}`,
      );
    }
    return [name, value];
  });
}

/** The error of a list whose items are not pairs, as in `["Content-Type", "text/html"]`. */
function notPairs([name, value]: readonly unknown[]): TypeError {
  const isFlat = typeof name === "string" && typeof value === "string";
  const [right, given] = isFlat ? [[[name, value]], [name, value]] : [[["Content-Type", "text/html"]], [name]];
  return new TypeError(`startResponse: each header must be a pair: write ${show(right)}, not ${show(given)}`);
}

function readContentLength(fields: Fields): number | null {
  const values = fields.filter(([name]) => name.toLowerCase() === "content-length").map(([, value]) => value);
  const [value] = values;
  if (value === undefined) return null;
  if (values.length === 1 && /^\d+$/.test(value)) return Number(value);
  throw new TypeError(
    `startResponse: Content-Length must be one decimal number, not ${values.map(show).join(" and ")}`,
  );
}

/** `Array.isArray` would make its elements `any`. */
function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function show(value: unknown): string {
  const text = inspect(value, { breakLength: Number.POSITIVE_INFINITY });
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
