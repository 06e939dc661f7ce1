/** What node's parser lets pass and ours refuses: one set of rules for both servers. */
import type { IncomingMessage } from "node:http";
import { type Vocabulary, type HeadLimits, RequestError, type RequestHead, RequestParser } from "../http1/index.ts";
import { parseHead } from "../http1/head.ts";

/**
 * The head as it was received, read again.
 * @throws RequestError
 */
export function checkedHead(req: IncomingMessage, limits: HeadLimits, vocabulary: Vocabulary): RequestHead {
  const lines = req.rawHeaders;
  // Node takes a request line without a version for HTTP/0.9.
  const version = req.httpVersion === "0.9" ? "" : ` HTTP/${req.httpVersion}`;
  let text = `${req.method} ${req.url}${version}\r\n`;
  for (let i = 0; i < lines.length; i += 2) text += `${lines[i]}: ${lines[i + 1]}\r\n`;
  return parseHead(text, limits, vocabulary);
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
