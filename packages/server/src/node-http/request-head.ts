/** What node's parser lets pass and ours refuses: one set of rules for both servers. */
import type { IncomingMessage } from "node:http";
import { type HeadLimits, RequestError, RequestParser, Vocabulary } from "../http1/index.ts";
import { isMisdirected, misdirected, ORIGIN_FORM, parseHead } from "../http1/head.ts";

/** What a glance at a head gives where only our parser can judge it. */
export const UNSURE = -2;

/** Checks the heads of one server's requests. */
export class HeadChecker {
  readonly #limits: HeadLimits;
  readonly #vocabulary = new Vocabulary();
  /** Hosts of heads that were good. Bounded: with one that is not here, a head takes the plain path. */
  readonly #hosts = new Set<string>();
  /** The last of them, for to hash a string costs more than to compare it. */
  #host: string | null = null;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /**
   * @returns bytes of content to come; -1 where it is chunked.
   * @throws RequestError
   */
  check(req: IncomingMessage): number {
    // A version is but what a client of HTTP/1.1 says; node:http2's requests have a stream.
    if ("stream" in req) {
      const length = this.read(asHttp1(req));
      if (req.headers[":scheme"] !== "https") throw misdirected();
      return length;
    }
    const glanced = this.glance(req);
    if (glanced !== UNSURE) return glanced;
    const length = this.read(asReceived(req));
    if (isMisdirected(req.url ?? "/", "encrypted" in req.socket)) throw misdirected();
    const at = req.rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === "host");
    const host = req.rawHeaders[at + 1];
    if (at !== -1 && host !== undefined && host.length <= MAX_HOST_LENGTH) {
      if (this.#hosts.size === MAX_HOSTS) this.#hosts.clear();
      this.#hosts.add(host);
    }
    return length;
  }

  /** The plain path. */
  read(text: string): number {
    return parseHead(text, this.#limits, this.#vocabulary).contentLength;
  }

  /**
   * The fast path: one walk over lines whose characters node has checked already (a test holds it to that), for heads that are
   * plainly good. All else is read again by our parser, which knows what is wrong with it.
   */
  glance(req: IncomingMessage): number {
    const { rawHeaders: lines, url: target = "", method = "" } = req;
    const limits = this.#limits;
    if (req.httpVersionMajor !== 1 || req.httpVersionMinor !== 1) return UNSURE;
    if (method === "CONNECT" || !ORIGIN_FORM.test(target)) return UNSURE;
    if (target.length > limits.maxTargetBytes || lines.length > 2 * limits.maxFields) return UNSURE;
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
            if (host !== null) return UNSURE;
            host = value;
          }
          break;
        case 6:
          if (beginsWith(name, LOWER_E) && name.toLowerCase() === "expect") return UNSURE;
          break;
        case 14:
          if (beginsWith(name, LOWER_C) && name.toLowerCase() === "content-length") {
            if (contentLength !== 0 || !LENGTH.test(value)) return UNSURE;
            contentLength = Number(value);
          }
          break;
        case 17:
          if (beginsWith(name, LOWER_T) && name.toLowerCase() === "transfer-encoding") return UNSURE;
          break;
        default:
      }
    }
    return bytes <= limits.maxHeadBytes && host !== null && this.#isKnown(host) ? contentLength : UNSURE;
  }

  #isKnown(host: string): boolean {
    if (host === this.#host) return true;
    if (!this.#hosts.has(host)) return false;
    this.#host = host;
    return true;
  }
}

/** What a head has beside methods, targets, names and values. */
const REQUEST_LINE_REST = "  HTTP/1.1\r\n\r\n".length;
const FIELD_LINE_REST = ": \r\n".length;

const MAX_HOSTS = 256;
const MAX_HOST_LENGTH = 255;

/** A length that is not 0, which is what there is before the first. */
const LENGTH = /^[1-9][0-9]{0,14}$/;

const LOWER_C = 99;
const LOWER_E = 101;
const LOWER_T = 116;

/** @param letter in lower case. */
function beginsWith(name: string, letter: number): boolean {
  return (name.charCodeAt(0) | 32) === letter;
}

export function asReceived({ rawHeaders: lines, method, url, httpVersion }: IncomingMessage): string {
  // Node takes a request line without a version for HTTP/0.9.
  let text = `${method} ${url}${httpVersion === "0.9" ? "" : ` HTTP/${httpVersion}`}\r\n`;
  for (let i = 0; i < lines.length; i += 2) text += `${lines[i]}: ${lines[i + 1]}\r\n`;
  return text;
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
