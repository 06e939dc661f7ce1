/** The head of a response as node:http takes it, with the framing that the contract leaves to servers. */
import type { ServerResponse } from "node:http";
import { eachField, FORBIDDEN_IN_FIELD_VALUE, TOKEN } from "../headers.ts";
import type { HeaderFields, OutgoingResponse } from "../index.ts";
import { hasNoContent, isWhole } from "../response.ts";

export interface ResponseHead {
  readonly status: number;
  /** Name, value, name, value, … */
  readonly lines: string[];
  /** Whether no content may follow. */
  readonly empty: boolean;
  /** The content's length as the head announces it, or -1 where it does not. */
  readonly contentLength: number;
}

/** The connection is the server's: a proxied response brings these along (TSGI-18). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const BEYOND_ASCII = /[\x80-\xff]/;

/** Whether one of those, `content-length` or `trailer` has so many characters: cheaper than to lower every name. */
function mayBeSpecial(length: number): boolean {
  return length === 7 || length === 10 || length === 14 || length === 16 || length === 17;
}

/**
 * Checks a response and frames it.
 * @param version node's `httpVersionMajor` and `httpVersionMinor` as one number: 10, 11, 20.
 * @throws TypeError where the status or the length is not one that may be sent.
 */
export function frame(method: string, version: number, response: OutgoingResponse, close: boolean): ResponseHead {
  const { status, headers, body } = response;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError(`A response's status must be an integer from 200 to 599, not ${String(status)}`);
  }
  const empty = hasNoContent(method, status);
  const lines: string[] = [];
  let contentLength = -1;
  let announcesTrailers = "";
  if (headers !== undefined) {
    eachField(headers, (name, value) => {
      const special = mayBeSpecial(name.length) ? name.toLowerCase() : "";
      if (special === "content-length") contentLength = toLength(value);
      else if (special === "trailer") announcesTrailers = value;
      else if (!CONNECTION_FIELDS.has(special)) {
        lines.push(name, value);
      }
    });
  }
  if (close && version !== 20) lines.push("connection", "close");

  const whole = body === null || body === undefined ? 0 : isWhole(body) ? byteLength(body) : -1;
  if (whole !== -1 && !empty) {
    if (contentLength !== -1 && contentLength !== whole) {
      throw new TypeError(`The response announces ${contentLength} bytes and its body has ${whole}`);
    }
    if (response.trailers === undefined || version === 10) contentLength = whole;
  } else if (whole > 0 && method === "HEAD" && contentLength === -1 && status !== 204 && status !== 304) {
    contentLength = whole;
  }
  // RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx
  // (Informational) or 204 (No Content)."
  if (status === 204) contentLength = -1;
  if (contentLength !== -1) lines.push("content-length", String(contentLength));
  const takesTrailers = version === 20 || (version === 11 && contentLength === -1);
  if (announcesTrailers !== "" && takesTrailers && !empty) lines.push("trailer", announcesTrailers);
  return { status, lines, empty, contentLength };
}

/** Puts the head on the response. It leaves with the first piece of content, or when it is flushed. */
export function writeHead(res: ServerResponse, { status, lines }: ResponseHead): void {
  if ("stream" in res) {
    const record = toRecord(lines);
    if (res.getHeaderNames().length === 0) {
      res.writeHead(status, record);
      return;
    }
  }
  if (res.getHeaderNames().length === 0) {
    res.writeHead(status, lines);
    return;
  }
  // Middleware has set fields: ours replace those of the same name, and its hooks on setHeader and writeHead see them all.
  res.statusCode = status;
  const seen = new Set<string>();
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    const value = lines[i + 1] ?? "";
    if (seen.has(name.toLowerCase())) res.appendHeader(name, value);
    else res.setHeader(name, value);
    seen.add(name.toLowerCase());
  }
  res.writeHead(status);
}

/**
 * Whether the head has the same bytes in every encoding. Node writes it in that of the string that it leaves with, and a field value
 * is a byte a character.
 */
export function isAscii({ lines }: ResponseHead): boolean {
  return !lines.some((text) => BEYOND_ASCII.test(text));
}

/** Pairs, as `addTrailers` takes them. */
export function toPairs(fields: HeaderFields): [string, string][] {
  const pairs: [string, string][] = [];
  eachField(fields, (name, value) => void pairs.push([name, value]));
  return pairs;
}

/**
 * Name, value, name, value, … as node:http2 takes them. It does not look at values, and older versions of it keep only the last
 * one of a name that comes twice.
 * @throws TypeError where a name or a value may not be sent.
 */
export function toRecord(lines: readonly string[]): Record<string, string[]> {
  const record: Record<string, string[]> = {};
  for (let i = 0; i < lines.length; i += 2) {
    const name = (lines[i] ?? "").toLowerCase();
    const value = lines[i + 1] ?? "";
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is no field name`);
    if (FORBIDDEN_IN_FIELD_VALUE.test(value)) throw new TypeError(`The value of ${name} has a forbidden character`);
    (record[name] ??= []).push(value);
  }
  return record;
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}

function toLength(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new TypeError(`Content-Length must be digits, not ${JSON.stringify(value)}`);
  return Number(value);
}
