/** What node's parser lets pass and ours refuses: one set of rules for both servers. */
import type { IncomingMessage } from "node:http";
import { type Vocabulary, type HeadLimits, RequestError, type RequestHead, RequestParser } from "../http1/index.ts";
import { parseHead } from "../http1/head.ts";

/**
 * The head as it was received, read again.
 * @throws RequestError
 */
export function checkedHead(req: IncomingMessage, limits: HeadLimits, vocabulary: Vocabulary): RequestHead {
  // A version is but what a client of HTTP/1.1 says; node:http2's requests have a stream.
  if ("stream" in req) return parseHead(asHttp1(req), limits, vocabulary);
  const lines = req.rawHeaders;
  // Node takes a request line without a version for HTTP/0.9.
  const version = req.httpVersion === "0.9" ? "" : ` HTTP/${req.httpVersion}`;
  let text = `${req.method} ${req.url}${version}\r\n`;
  for (let i = 0; i < lines.length; i += 2) text += `${lines[i]}: ${lines[i + 1]}\r\n`;
  return parseHead(text, limits, vocabulary);
}

/** The same message in the syntax of HTTP/1.1, for one set of rules. What only HTTP/2 knows, nghttp2 has checked. */
function asHttp1({ rawHeaders: lines, headers, method = "" }: IncomingMessage): string {
  const authority = headers[":authority"];
  const target = method === "CONNECT" ? authority : headers[":path"];
  let text = `${method} ${String(target)} HTTP/1.1\r\n`;
  if (authority !== undefined) text += `host: ${String(authority)}\r\n`;
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    // RFC 9113 §8.3.1 lets a Host field repeat the authority; where it says something else, there are two of them here.
    const repeats = name === "host" && lines[i + 1] === authority;
    if (!name.startsWith(":") && !repeats) text += `${name}: ${lines[i + 1]}\r\n`;
  }
  return text;
}

/** Why a request was refused before any handler saw it. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** What node:http says of a broken request. */
export interface ClientError extends Error {
  readonly code?: string;
  /** What was being parsed. */
  readonly rawPacket?: Buffer;
}

/**
 * The refusal that the socket server would give. Node tells little of what was wrong, but it hands over the bytes.
 * @param whole whether they begin where a request begins.
 */
export function refusalOf(error: ClientError, whole: boolean, limits: HeadLimits): Refusal {
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return { status: 408, code: "HEAD_TIMEOUT", message: "The request head did not come in time" };
  }
  const known = whole && error.rawPacket !== undefined ? parseAgain(error.rawPacket, limits) : null;
  if (known !== null) return known;
  if (error.code === "HPE_HEADER_OVERFLOW") {
    const message = `The request head is longer than ${limits.maxHeadBytes} bytes`;
    return { status: 431, code: "HEAD_TOO_LARGE", message };
  }
  return { status: 400, code: error.code ?? "BAD_REQUEST", message: "The request is malformed" };
}

function parseAgain(bytes: Buffer, limits: HeadLimits): RequestError | null {
  const parser = new RequestParser(limits);
  parser.push(bytes);
  try {
    while (parser.next() !== null);
    return null;
  } catch (error) {
    return error instanceof RequestError ? error : null;
  }
}
