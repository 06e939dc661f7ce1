/** The head of a response as node:http takes it, with the framing that the contract leaves to servers. */
import type { ServerResponse } from "node:http";
import {
  CONNECTION_FIELDS,
  eachField,
  FORBIDDEN_IN_FIELD_VALUE,
  FORBIDDEN_TRAILERS,
  TOKEN,
} from "../../server-kit/fields.ts";
import type { HeaderFields, OutgoingResponse, ResponseBody } from "../../index.ts";
import { hasNoContent, isWhole } from "../../server-kit/response-body.ts";

/** A response as it was read, once: what a getter gives the second time was not checked. */
export interface Answer {
  readonly status: number;
  readonly headers: HeaderFields | undefined;
  readonly body: ResponseBody | null | undefined;
  readonly trailers: OutgoingResponse["trailers"] | undefined;
}

export interface ResponseHead {
  readonly status: number;
  /** Name, value, name, value, … */
  readonly lines: string[];
  /** Whether no content may follow. */
  readonly empty: boolean;
  /** The content's length as the head announces it, or -1 where it does not. */
  readonly contentLength: number;
}

const BEYOND_ASCII = /[\x80-\xff]/;

/** Whether a field of the connection, `content-length` or `trailer` has so many characters: cheaper than to lower every name. */
function mayBeSpecial(length: number): boolean {
  return length === 7 || length === 10 || length === 14 || length === 16 || length === 17;
}

/**
 * Checks a response and frames it.
 * @param version node's `httpVersionMajor` and `httpVersionMinor` as one number: 10, 11, 20.
 * @param close whether the connection ends with it.
 * @throws TypeError where the status, the length or a field is not one that may be sent.
 */
export function frame(method: string, version: number, answer: Answer, close: boolean): ResponseHead {
  const { status, headers, body, trailers } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError(`A response's status must be an integer from 200 to 599, not ${String(status)}`);
  }
  const empty = hasNoContent(method, status);
  const lines: string[] = [];
  let contentLength = -1;
  let announcesTrailers = "";
  let connection = close ? "close" : "";
  if (headers !== undefined) {
    eachField(headers, (name, value) => {
      const special = mayBeSpecial(name.length) ? name.toLowerCase() : "";
      if (special === "content-length") contentLength = toLength(value);
      else if (special === "trailer") announcesTrailers = value;
      else if (special === "upgrade" && status === 426) {
        // RFC 9110 §15.5.22: "The server MUST send an Upgrade header field in a 426 response".
        lines.push(name, value);
        connection = close ? "upgrade, close" : "upgrade";
      } else if (!CONNECTION_FIELDS.has(special)) {
        lines.push(name, value);
      }
    });
  }
  if (connection !== "" && version !== 20) lines.push("connection", connection);

  const whole = body === null || body === undefined ? 0 : isWhole(body) ? byteLength(body) : -1;
  if (whole !== -1 && !empty) {
    if (contentLength !== -1 && contentLength !== whole) {
      throw new TypeError(`The response announces ${contentLength} bytes and its body has ${whole}`);
    }
    if (trailers === undefined || version === 10) contentLength = whole;
  } else if (whole > 0 && method === "HEAD" && contentLength === -1 && status !== 204 && status !== 304) {
    contentLength = whole;
  }
  // RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx
  // (Informational) or 204 (No Content)."
  if (status === 204) contentLength = -1;
  // RFC 9110 §15.3.6: "a server MUST NOT generate content in a 205 response". It has to say so.
  if (status === 205) contentLength = 0;
  if (contentLength !== -1) lines.push("content-length", String(contentLength));
  const takesTrailers = version === 20 || (version === 11 && contentLength === -1);
  if (announcesTrailers !== "" && takesTrailers && !empty) lines.push("trailer", announcesTrailers);
  // It is put on node's response late, when an error cannot be a clean 500 any more.
  if (whole === -1) checked(lines);
  return { status, lines, empty, contentLength };
}

/** Puts the head on the response. It leaves with the first piece of content, or when it is flushed. */
export function writeHead(res: ServerResponse, { status, lines }: ResponseHead): void {
  if ("stream" in res) {
    const record = toRecord(checked(lines));
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

/**
 * The lines of a trailer section, name, value, name, value, …
 * @throws TypeError for a field that may not stand there.
 */
export function toTrailers(fields: HeaderFields): string[] {
  const lines: string[] = [];
  eachField(fields, (name, value) => {
    if (FORBIDDEN_TRAILERS.has(name.toLowerCase())) throw new TypeError(`${name} may not be sent in a trailer`);
    lines.push(name, value);
  });
  return checked(lines);
}

/**
 * The lines of an informational response. RFC 9110 §8.6 and RFC 9112 §6.1: none of framing in a 1xx.
 * @throws TypeError for a field that may not be sent.
 */
export function toInformational(fields: HeaderFields): string[] {
  const lines: string[] = [];
  eachField(fields, (name, value) => {
    const lower = name.toLowerCase();
    if (lower !== "content-length" && !CONNECTION_FIELDS.has(lower)) lines.push(name, value);
  });
  return checked(lines);
}

/**
 * The same lines. Node looks at them where it writes the head of HTTP/1.1, and there alone.
 * @throws TypeError where a name or a value may not be sent.
 */
export function checked(lines: string[]): string[] {
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is no field name`);
    if (FORBIDDEN_IN_FIELD_VALUE.test(lines[i + 1] ?? "")) {
      throw new TypeError(`The value of ${name} has a forbidden character`);
    }
  }
  return lines;
}

/** Lines as node:http2 takes them. Older versions of it keep only the last one of a name that comes twice. */
export function toRecord(lines: readonly string[]): Record<string, string[]> {
  const record: Record<string, string[]> = {};
  for (let i = 0; i < lines.length; i += 2) (record[(lines[i] ?? "").toLowerCase()] ??= []).push(lines[i + 1] ?? "");
  return record;
}

function byteLength(body: string | Uint8Array): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}

function toLength(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new TypeError(`Content-Length must be digits, not ${JSON.stringify(value)}`);
  return Number(value);
}
