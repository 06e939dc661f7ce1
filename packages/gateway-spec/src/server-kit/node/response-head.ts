/** The head of a response: its framing, and how node:http and node:http2 take it. */
import type { ServerResponse } from "node:http";
import type { HeaderFields, OutgoingResponse, ResponseBody } from "../../index.ts";
import { checkField, CONNECTION_FIELDS, eachField, parseContentLength } from "../fields.ts";
import { checkStatus } from "../handler-result.ts";
import { byteLength, hasNoContent, isWhole, lengthMismatch } from "../response-body.ts";
import { toRecord } from "./transport.ts";

/** The members of a response, each read once: a getter could give another value the second time. */
export interface GivenResponse {
  readonly status: number;
  readonly headers: HeaderFields | undefined;
  readonly body: ResponseBody | null | undefined;
  readonly trailers: OutgoingResponse["trailers"];
}

export interface ResponseHead {
  readonly status: number;
  /** Name, value, name, value, … */
  readonly lines: string[];
  /** Whether no content follows. */
  readonly empty: boolean;
  /** The length of the content as the head announces it; -1 where it does not. */
  readonly contentLength: number;
  /** Whether trailers can follow the content. */
  readonly takesTrailers: boolean;
}

/** Whether a field of the connection, `content-length` or `trailer` has so many characters: this is cheaper than to lower every name. */
function mayBeSpecial(length: number): boolean {
  return length === 7 || length === 10 || length === 14 || length === 16 || length === 17;
}

/**
 * Checks a response and frames it.
 * @param version node's `httpVersionMajor` and `httpVersionMinor` as one number: 10, 11, 20.
 * @param close whether the connection closes after it.
 * @throws TypeError for a status, a length or a field that may not be sent.
 */
export function frame(method: string, version: number, given: GivenResponse, close: boolean): ResponseHead {
  const { status, headers, body, trailers } = given;
  checkStatus(status);
  const empty = hasNoContent(method, status);
  const lines: string[] = [];
  let contentLength = -1;
  let announcedTrailers = "";
  let connection = close ? "close" : "";
  if (headers !== undefined) {
    eachField(headers, (name, value) => {
      checkField(name, value);
      const special = mayBeSpecial(name.length) ? name.toLowerCase() : "";
      if (special === "content-length") contentLength = parseContentLength(value);
      else if (special === "trailer") announcedTrailers = value;
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
    if (contentLength !== -1 && contentLength !== whole) throw lengthMismatch(contentLength, whole);
    if (trailers === undefined || version === 10) contentLength = whole;
  } else if (whole > 0 && method === "HEAD" && contentLength === -1 && status !== 204 && status !== 304) {
    contentLength = whole;
  }
  // RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx
  // (Informational) or 204 (No Content)."
  if (status === 204) contentLength = -1;
  // RFC 9110 §15.3.6: "a server MUST NOT generate content in a 205 response". The head has to say so.
  if (status === 205) contentLength = 0;
  if (contentLength !== -1) lines.push("content-length", String(contentLength));
  const takesTrailers = !empty && (version === 20 || (version === 11 && contentLength === -1));
  if (announcedTrailers !== "" && takesTrailers) lines.push("trailer", announcedTrailers);
  return { status, lines, empty, contentLength, takesTrailers };
}

/** Fields of which several lines count together: what middleware has set stays beside ours. */
const ADDED: ReadonlySet<string> = new Set(["set-cookie", "vary"]);

/**
 * Gives the head to node's response. It leaves with the first piece of content, or when it is flushed. Fields that middleware has set
 * are replaced by ours of the same name, except for `set-cookie` and `vary`, which are added.
 */
export function writeHead(res: ServerResponse, { status, lines }: ResponseHead): void {
  if (res.getHeaderNames().length === 0) {
    if ("stream" in res) res.writeHead(status, toRecord(lines));
    else res.writeHead(status, lines);
    return;
  }
  // By setHeader and appendHeader, so that the hooks of middleware on setHeader and writeHead see every field.
  res.statusCode = status;
  const seen = new Set<string>();
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    const value = lines[i + 1] ?? "";
    const lower = name.toLowerCase();
    if (seen.has(lower) || ADDED.has(lower)) res.appendHeader(name, value);
    else res.setHeader(name, value);
    seen.add(lower);
  }
  res.writeHead(status);
}
