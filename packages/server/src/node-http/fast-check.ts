/**
 * A fast path beside `HeadChecker`: one walk over the fields of a head, whose characters node or nghttp2 has checked already, as
 * tests prove. It accepts heads that are plainly valid; all others take the plain path. It keeps no state.
 *
 * Measured through an in-memory socket, without the cost of the system (medians of 7 paired runs on Node 26.10). Without it a request
 * costs 1.32 times the CPU with the varying headers of a browser, 1.16 times as plaintext, 1.11 times as an echo of 200 bytes of JSON.
 * Over HTTP/2 and TLS, under h2load: 1.09 times with the header fields of a browser (median of 8 paired runs).
 */
import type { IncomingMessage } from "node:http";
import { ORIGIN_FORM } from "../http1/request-line.ts";
import type { HeadLimits } from "../http1/index.ts";

/** @returns the length of the content in bytes, or `null` for a head that only the parser can check. */
export function fastCheck(req: IncomingMessage, limits: HeadLimits): number | null {
  return req.httpVersionMajor === 1 && req.httpVersionMinor === 1 ? check(req, limits) : null;
}

/** The same for a request of node:http2. */
export function fastCheckHttp2(req: IncomingMessage, limits: HeadLimits): number | null {
  return req.headers[":scheme"] === "https" && USUAL_METHOD.test(req.method ?? "") ? check(req, limits) : null;
}

/** Counts the pseudo-header fields of HTTP/2 as fields, so that a head near a limit takes the plain path. */
function check(
  { rawHeaders: lines, url: target = "", method = "" }: IncomingMessage,
  limits: HeadLimits,
): number | null {
  if (method === "CONNECT" || method === "TRACE" || !ORIGIN_FORM.test(target)) return null;
  if (target.length > limits.maxTargetBytes || lines.length > 2 * limits.maxFields) return null;
  let bytes = method.length + target.length + REQUEST_LINE_REST;
  let host: string | null = null;
  let contentLength = 0;
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    const value = lines[i + 1] ?? "";
    bytes += name.length + value.length + FIELD_LINE_REST;
    switch (name.length) {
      case 4:
        if (name === "Host" || name.toLowerCase() === "host") {
          if (host !== null) return null;
          host = value;
        }
        break;
      case 6:
        if (startsWith(name, LOWER_E) && name.toLowerCase() === "expect") return null;
        break;
      case 10:
        if (name === ":authority") {
          if (host !== null) return null;
          host = value;
        }
        break;
      case 14:
        if (startsWith(name, LOWER_C) && name.toLowerCase() === "content-length") {
          if (contentLength !== 0 || !LENGTH.test(value)) return null;
          contentLength = Number(value);
        }
        break;
      case 17:
        if (startsWith(name, LOWER_T) && name.toLowerCase() === "transfer-encoding") return null;
        break;
      default:
    }
  }
  return bytes <= limits.maxHeadBytes && host !== null && PLAIN_HOST.test(host) ? contentLength : null;
}

/** The bytes of a head besides the method, the target, names and values. */
const REQUEST_LINE_REST = "  HTTP/1.1\r\n\r\n".length;
const FIELD_LINE_REST = ": \r\n".length;

/** nghttp2 takes any token. */
const USUAL_METHOD = /^[A-Z]{1,16}$/;

/** A length other than 0, which stands for "none yet". */
const LENGTH = /^[1-9][0-9]{0,14}$/;

/** A number of an IPv4 address, without the leading zero that would make it octal. */
const OCTET = "(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])";

/** A label of a host name. One that starts with `xn--` is punycode: the parser decodes it. */
const LABEL = "(?!xn--)[a-z0-9-]+";

/** A host name whose last label starts with a letter, or an IPv4 address; a port up to 64999. */
const PLAIN_HOST = new RegExp(
  `^(?:(?:${LABEL}\\.)*(?=[a-z])${LABEL}|(?:${OCTET}\\.){3}${OCTET})(?::(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?$`,
  "i",
);

const LOWER_C = 99;
const LOWER_E = 101;
const LOWER_T = 116;

/** @param letter the code of a lower-case letter. */
function startsWith(name: string, letter: number): boolean {
  return (name.charCodeAt(0) | 32) === letter;
}
