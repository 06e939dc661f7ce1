/** What node's parser accepts and ours refuses: the rules are the same for both servers. */
import type { IncomingMessage } from "node:http";
import { type HeadLimits, readHead, RequestError, RequestParser } from "../http1/index.ts";
import { isMisdirected, misdirected } from "../http1/request-line.ts";
import { fastCheck, fastCheckHttp2 } from "./fast-check.ts";

type ContentLength = number | "chunked";

/** Checks the request heads of one server. */
export class HeadChecker {
  readonly #limits: HeadLimits;
  readonly #maxBodyBytes: number;

  constructor(limits: HeadLimits, maxBodyBytes: number = Number.POSITIVE_INFINITY) {
    this.#limits = limits;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /**
   * The refusal of a request, or `null` for one that a handler may see.
   * @param isUpgrade the request asks for another protocol: it may have no content then, because node before 24.9 takes the content for
   * bytes of that protocol.
   */
  refusalOf(req: IncomingMessage, isUpgrade = false): Refusal | null {
    let contentLength: ContentLength;
    try {
      contentLength = this.check(req);
    } catch (error) {
      if (error instanceof RequestError) return error;
      throw error;
    }
    if (isUpgrade && contentLength !== 0) {
      const message = "This server takes no content with a change of protocol";
      return { status: 501, code: "UPGRADE_WITH_CONTENT", message };
    }
    if (contentLength === "chunked" || contentLength <= this.#maxBodyBytes) return null;
    const message = `The request content is longer than ${this.#maxBodyBytes} bytes`;
    return { status: 413, code: "REQUEST_BODY_TOO_LARGE", message };
  }

  /**
   * @returns the length of the content in bytes, where it is announced.
   * @throws RequestError
   */
  check(req: IncomingMessage): ContentLength {
    // The version is only what a client of HTTP/1.1 claims; requests of node:http2 have a stream.
    if ("stream" in req) {
      const known = fastCheckHttp2(req, this.#limits);
      if (known !== null) return known;
      const length = this.parse(asHttp1(req));
      if (req.headers[":scheme"] !== "https") throw misdirected();
      return length;
    }
    const length = fastCheck(req, this.#limits);
    if (length !== null) return length;
    const parsed = this.parse(asReceived(req));
    // Only the sockets of TLS have the member, except on Bun.
    const encrypted = "encrypted" in req.socket && req.socket.encrypted === true;
    if (isMisdirected(req.url ?? "/", encrypted)) throw misdirected();
    return parsed;
  }

  /** The plain path. @throws RequestError */
  parse(text: string): ContentLength {
    return readHead(text, this.#limits).contentLength;
  }
}

/** The head as text. Node has removed the white space around names and values. */
export function asReceived({ rawHeaders: lines, method, url, httpVersion }: IncomingMessage): string {
  // Node takes a request line without a version for HTTP/0.9.
  let text = `${method} ${url}${httpVersion === "0.9" ? "" : ` HTTP/${httpVersion}`}\r\n`;
  for (let i = 0; i < lines.length; i += 2) text += `${lines[i]}: ${lines[i + 1]}\r\n`;
  return text;
}

/** A head of HTTP/2 in the syntax of HTTP/1.1. nghttp2 has checked what only HTTP/2 has. */
export function asHttp1({ rawHeaders: lines, headers, method = "" }: IncomingMessage): string {
  const authority = headers[":authority"];
  const target = method === "CONNECT" ? authority : headers[":path"];
  let text = `${method} ${String(target)} HTTP/1.1\r\n`;
  if (authority !== undefined) text += `host: ${String(authority)}\r\n`;
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    // RFC 9113 §8.3.1: a Host field may repeat the authority. One that differs from it makes two Host fields here.
    const repeats = name === "host" && lines[i + 1] === authority;
    if (!name.startsWith(":") && !repeats) text += `${name}: ${lines[i + 1]}\r\n`;
  }
  return text;
}

/** Why a request is refused before a handler runs. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** The error of node's `clientError` event. */
export interface ClientError extends Error {
  readonly code?: string;
  /** The bytes that the parser was given last. */
  readonly rawPacket?: Buffer;
}

/**
 * The refusal that the socket server gives to the same bytes. Node's error does not say which rule was broken, so the bytes are
 * parsed again.
 * @param whole whether the bytes start where a request starts.
 */
export function parserRefusal(error: ClientError, whole: boolean, limits: HeadLimits): Refusal {
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return { status: 408, code: "HEAD_TIMEOUT", message: "The request head did not arrive in time" };
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
