/**
 * The head of a request: start line and header section (RFC 9112 §2 to §6), read strictly. One head is parsed from one string of
 * Latin-1 characters, a byte each, so that native string searches do the scanning.
 */
import { RequestError } from "./errors.ts";
import type { RecurringLines } from "./recurring-lines.ts";
import { isAuthority, TOKEN } from "./text.ts";
import { CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PLAIN, TRANSFER_ENCODING, type Vocabulary } from "./vocabulary.ts";

export interface HeadLimits {
  /** Longest head accepted, in bytes, from the request line to the empty line; beyond it 431. Default 16 KiB, as in node and h11. */
  readonly maxHeadBytes: number;
  /** Longest request target accepted, in bytes; beyond it 414. Default 8 KiB; RFC 9112 §3 recommends at least 8000. */
  readonly maxTargetBytes: number;
  /** Field lines accepted; beyond it 431. Default 100. Precedents: Apache 100, Go none, node 2000. */
  readonly maxFields: number;
}

export const DEFAULT_HEAD_LIMITS: HeadLimits = { maxHeadBytes: 16 * 1024, maxTargetBytes: 8 * 1024, maxFields: 100 };

/** Longer methods are answered with 501 (RFC 9112 §3). The longest that is registered has 18 bytes. */
export const MAX_METHOD_BYTES = 32;

/** A request's head. Frozen in effect: one object may stand for several requests that sent the same bytes. */
export class RequestHead {
  readonly kind = "request";
  readonly method: string;
  /** As received (RFC 9112 §3.2). */
  readonly target: string;
  readonly minorVersion: 0 | 1;
  /** Name, value, name, value, …: names lower-case, values without surrounding white space. */
  readonly fields: readonly string[];
  /** Host and port that the request is for; empty where a 1.0 client did not say. */
  readonly authority: string;
  /** Bytes of content to come; -1 where it is chunked, 0 where there is none. */
  readonly contentLength: number;
  /** Whether the client would go on with this connection (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** Whether the client holds its content back until 100 (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
  /** The protocols of `Upgrade`, lower-case, where `Connection` names it too (RFC 9110 §7.8). */
  readonly upgrade: string | null;

  constructor(
    method: string,
    target: string,
    minorVersion: 0 | 1,
    fields: readonly string[],
    authority: string,
    contentLength: number,
    keepAlive: boolean,
    expectsContinue: boolean,
    upgrade: string | null,
  ) {
    this.method = method;
    this.target = target;
    this.minorVersion = minorVersion;
    this.fields = fields;
    this.authority = authority;
    this.contentLength = contentLength;
    this.keepAlive = keepAlive;
    this.expectsContinue = expectsContinue;
    this.upgrade = upgrade;
  }
}

/** Lines of a head: no control but HTAB, no DEL, and every CR and LF in a CRLF (RFC 9112 §2.2). */
const GOOD_LINES = /^(?:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
const BARE_LF = /(?:^|[^\r])\n/;

/**
 * Origin form, "absolute-path [ "?" query ]". Wider than RFC 3986, for browsers send some characters of a query bare; we choose to
 * refuse those that none of them sends: `"`, `#`, `<`, `>`, every byte from 0x80 on, and a backslash in the path.
 */
const ORIGIN = String.raw`\/[!$-;=@-[\]-~]*(?:\?[!$-;=?-~]*)?`;
export const ORIGIN_FORM: RegExp = new RegExp(`^${ORIGIN}$`);

/** The request line of nearly all requests. One search takes the place of half a dozen; where it fails the plain path tells why. */
const USUAL_REQUEST_LINE = new RegExp(String.raw`(?:GET|POST) ${ORIGIN} HTTP\/1\.1\r\n`, "y");
const G = 71;
const SLASH = 47;
const USUAL_VERSION_LENGTH = " HTTP/1.1\r\n".length;

const ABSOLUTE_FORM = /^https?:\/\/([^/?@]+)((?:\/[!$-;=@-[\]-~]*)?(?:\?[!$-;=?-~]*)?)$/i;

const DIGITS = /^[0-9]{1,15}$/;

/**
 * Parses a head.
 * @param text the bytes from the request line to the last CRLF of the header section, without the empty line's.
 * @param recurring what the heads of the same connection begin with, where there is one.
 * @throws RequestError
 */
export function parseHead(
  text: string,
  limits: HeadLimits,
  vocabulary: Vocabulary,
  recurring: RecurringLines | null = null,
): RequestHead {
  try {
    return parse(text, limits, vocabulary, recurring);
  } catch (error) {
    // Which error wins should not depend on how the bytes were cut: a forbidden byte is found first, wherever it stands, but that what
    // is too long is read no further than to a bare LF. Where a head has both faults, it may still depend.
    if (BARE_LF.test(text.slice(0, limits.maxHeadBytes))) throw forbidden();
    throw isTooLong(error) || GOOD_LINES.test(text) ? error : forbidden();
  }
}

function parse(
  text: string,
  limits: HeadLimits,
  vocabulary: Vocabulary,
  recurring: RecurringLines | null,
): RequestHead {
  const line = parseRequestLine(text, limits);
  const { method, target, minorVersion } = line;

  const run = recurring === null ? null : recurring.at(text, line.length);
  const learning = run === null ? recurring : null;
  const fields = run === null ? [] : run.fields.slice();
  let host = run === null ? null : run.host;
  let length = -1;
  let coding: string | null = null;
  let connection = run === null ? "" : run.connection;
  let expect: string | null = null;
  let upgrade: string | null = null;

  let position = run === null ? line.length : line.length + run.text.length;
  const end = text.length;
  while (position < end) {
    const newline = text.indexOf("\n", position);
    const field = vocabulary.line(text, position, newline + 1);
    if (field === null) throw badFieldLine();
    const { name, value, role, word } = field;
    if (role !== PLAIN) {
      switch (role) {
        case HOST:
          // RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
          // lacks a Host header field and to any request message that contains more than one Host header field line or a Host
          // header field with an invalid field value."
          if (host !== null)
            throw new RequestError("BAD_HOST", "There is more than one Host field (RFC 9112 section 3.2)");
          host = word;
          break;
        case CONTENT_LENGTH:
          // RFC 9112 §6.3 lets a recipient fold equal values into one; we choose to refuse every repetition.
          if (length !== -1 || !DIGITS.test(value)) {
            throw new RequestError(
              "BAD_CONTENT_LENGTH",
              "Content-Length must be one decimal number (RFC 9112 section 6.3)",
            );
          }
          length = Number(value);
          break;
        case TRANSFER_ENCODING:
          // RFC 9112 §5 allows a tab around a value; we choose not to where readers disagree about it and framing hangs on it.
          if (text.slice(position, newline).includes("\t")) throw badTransferEncoding();
          coding = coding === null ? value : `${coding}, ${value}`;
          break;
        case CONNECTION:
          connection = connection === "" ? word : `${connection}, ${word}`;
          break;
        case EXPECT:
          expect = expect === null ? word : `${expect}, ${word}`;
          break;
        default:
          upgrade = upgrade === null ? word : `${upgrade}, ${word}`;
      }
    }
    fields.push(name, value);
    learning?.add(field);
    position = newline + 1;
  }
  if (fields.length > 2 * limits.maxFields) {
    throw new RequestError("TOO_MANY_FIELDS", `There are more than ${limits.maxFields} header fields`);
  }
  learning?.learn();
  return new RequestHead(
    method,
    target,
    minorVersion,
    fields,
    parseAuthority(line, host, fields),
    parseFraming(length, coding, minorVersion),
    connection === ""
      ? minorVersion === 1
      : !listed(connection, "close") && (minorVersion === 1 || listed(connection, "keep-alive")),
    expectsContinue(expect, minorVersion),
    upgrade !== null && minorVersion === 1 && listed(connection, "upgrade") ? upgrade : null,
  );
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  /** With its CRLF. */
  readonly length: number;
  /** Whether the target is known to be of the origin form. */
  readonly origin: boolean;
}

function parseRequestLine(text: string, limits: HeadLimits): RequestLine {
  USUAL_REQUEST_LINE.lastIndex = 0;
  if (USUAL_REQUEST_LINE.test(text)) {
    const length = USUAL_REQUEST_LINE.lastIndex;
    const method = text.charCodeAt(0) === G ? "GET" : "POST";
    const target = text.slice(method.length + 1, length - USUAL_VERSION_LENGTH);
    checkLengths(target.length, text.length, limits);
    return { method, target, minorVersion: 1, length, origin: true };
  }
  const lineEnd = text.indexOf("\r\n");
  const methodEnd = text.indexOf(" ");
  if (lineEnd > MAX_METHOD_BYTES && (methodEnd === -1 || methodEnd > MAX_METHOD_BYTES)) throw methodTooLong();
  const targetEnd = text.indexOf(" ", methodEnd + 1);
  if (targetEnd > lineEnd || targetEnd === -1) {
    if (lineEnd - methodEnd - 1 > limits.maxTargetBytes) throw targetTooLong(limits);
    throw badRequestLine();
  }
  checkLengths(targetEnd - methodEnd - 1, text.length, limits);
  const method = text.slice(0, methodEnd);
  if (!TOKEN.test(method)) throw new RequestError("BAD_METHOD", "The method is not a token (RFC 9110 section 9.1)");
  const target = text.slice(methodEnd + 1, targetEnd);
  const minorVersion = parseVersion(text, targetEnd + 1, lineEnd);
  return { method, target, minorVersion, length: lineEnd + 2, origin: false };
}

/** Too long comes before all else: of such a head no more need be here. */
function checkLengths(targetLength: number, textLength: number, limits: HeadLimits): void {
  if (targetLength > limits.maxTargetBytes) throw targetTooLong(limits);
  if (textLength + 2 > limits.maxHeadBytes) throw headTooLarge(limits);
}

/** RFC 9112 §2.3: "HTTP-version = HTTP-name "/" DIGIT "." DIGIT", and it is case-sensitive. */
function parseVersion(text: string, start: number, end: number): 0 | 1 {
  if (end - start === 8 && text.startsWith("HTTP/1.", start)) {
    const minor = text.charCodeAt(end - 1);
    if (minor === 49) return 1;
    if (minor === 48) return 0;
  }
  const version = text.slice(start, end);
  if (/^HTTP\/[0-9]\.[0-9]$/.test(version)) {
    throw new RequestError("VERSION_NOT_SUPPORTED", "This server speaks HTTP/1.1 and HTTP/1.0");
  }
  if (version.includes(" ")) throw badRequestLine();
  throw new RequestError("BAD_VERSION", "The HTTP version is malformed (RFC 9112 section 2.3)");
}

/** Checks Host and the four forms of RFC 9112 §3.2, and gives the authority. */
function parseAuthority(
  { method, target, minorVersion, origin }: RequestLine,
  host: string | null,
  fields: string[],
): string {
  if (host === null) {
    if (minorVersion === 1) throw new RequestError("BAD_HOST", "The Host field is missing (RFC 9112 section 3.2)");
  } else if (host === "") {
    throw new RequestError("BAD_HOST", "The Host field is not a host with an optional port (RFC 9110 section 7.2)");
  }
  if (origin) return host ?? "";
  if (method === "CONNECT") {
    if (!isAuthority(target)) throw badTarget();
    throw new RequestError("CONNECT_NOT_SUPPORTED", "This server is not a proxy");
  }
  if (target.charCodeAt(0) === SLASH) {
    if (!ORIGIN_FORM.test(target)) throw badTarget();
    return host ?? "";
  }
  // RFC 9112 §3.2.4: the asterisk form is for OPTIONS alone.
  if (target === "*" && method === "OPTIONS") return host ?? "";
  const authority = ABSOLUTE_FORM.exec(target)?.[1];
  if (authority === undefined || !isAuthority(authority)) throw badTarget();
  // RFC 9112 §3.2.2: "When an origin server receives a request with an absolute-form of request-target, the origin server MUST
  // ignore the received Host header field (if any) and instead use the host information of the request-target."
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === "host") fields[i + 1] = authority;
  return authority;
}

/**
 * Whether a good target asks for another scheme than its connection's. RFC 9110 §7.4: "a request for an "https" resource MUST be
 * rejected unless it has been received over a connection that has been secured". We choose to refuse the other way round too.
 */
export function isMisdirected(target: string, encrypted: boolean): boolean {
  if (target.charCodeAt(0) === SLASH || target === "*") return false;
  return target.slice(0, 6).toLowerCase() === "https:" ? !encrypted : encrypted;
}

/** What such a request is refused with (RFC 9110 §15.5.20). */
export function misdirected(): RequestError {
  return new RequestError("MISDIRECTED", "The target's scheme is not that of this connection (RFC 9110 section 7.4)");
}

/** RFC 9112 §6.3, strictly: chunked or a length, never both, and chunked alone. */
function parseFraming(length: number, coding: string | null, minorVersion: 0 | 1): number {
  if (coding === null) return length === -1 ? 0 : length;
  // RFC 9112 §6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST treat
  // the message as if the framing is faulty, even if a Content-Length is present, and close the connection after processing the
  // message." We choose not to process it.
  if (minorVersion === 0)
    throw new RequestError("BAD_FRAMING", "HTTP/1.0 has no Transfer-Encoding (RFC 9112 section 6.1)");
  // RFC 9112 §6.1 lets a server reject a message with both; we choose to.
  if (length !== -1) {
    throw new RequestError(
      "BAD_FRAMING",
      "Content-Length and Transfer-Encoding contradict each other (RFC 9112 section 6.1)",
    );
  }
  const codings = coding.toLowerCase().split(/[ \t]*,[ \t]*/);
  if (codings.at(-1) !== "chunked" || codings.indexOf("chunked") !== codings.length - 1 || codings.includes("")) {
    throw badTransferEncoding();
  }
  if (codings.length > 1) {
    throw new RequestError("TRANSFER_CODING_NOT_SUPPORTED", "The only transfer coding known here is chunked");
  }
  return -1;
}

/** RFC 9110 §10.1.1: "A server that receives an Expect field value containing a member other than 100-continue MAY respond with
 * a 417 (Expectation Failed) status code". We choose to. A 1.0 client cannot expect anything. */
function expectsContinue(expect: string | null, minorVersion: 0 | 1): boolean {
  if (expect === null || minorVersion === 0) return false;
  if (expect !== "100-continue")
    throw new RequestError("BAD_EXPECTATION", "The only expectation known here is 100-continue");
  return true;
}

/** Whether a comma-separated, lower-case list holds a member (RFC 9110 §5.6.1). */
function listed(list: string, member: string): boolean {
  return list === member || (list.includes(member) && list.split(",").some((item) => item.trim() === member));
}

export function forbidden(): RequestError {
  return new RequestError(
    "FORBIDDEN_BYTE",
    "The head holds a control character or a bare CR or LF (RFC 9112 section 2.2)",
  );
}

function isTooLong(error: unknown): boolean {
  if (!(error instanceof RequestError)) return true;
  return error.code === "METHOD_TOO_LONG" || error.code === "TARGET_TOO_LONG" || error.code === "HEAD_TOO_LARGE";
}

export function methodTooLong(): RequestError {
  return new RequestError("METHOD_TOO_LONG", `The method is longer than ${MAX_METHOD_BYTES} bytes`);
}

export function targetTooLong(limits: HeadLimits): RequestError {
  return new RequestError("TARGET_TOO_LONG", `The request target is longer than ${limits.maxTargetBytes} bytes`);
}

export function headTooLarge(limits: HeadLimits): RequestError {
  return new RequestError("HEAD_TOO_LARGE", `The request head is longer than ${limits.maxHeadBytes} bytes`);
}

function badRequestLine(): RequestError {
  return new RequestError(
    "BAD_REQUEST_LINE",
    "The request line must be a method, a target and a version (RFC 9112 section 3)",
  );
}

function badTarget(): RequestError {
  return new RequestError("BAD_TARGET", "The request target is malformed (RFC 9112 section 3.2)");
}

function badTransferEncoding(): RequestError {
  return new RequestError(
    "BAD_TRANSFER_ENCODING",
    "The transfer coding must be chunked, last and once (RFC 9112 section 6.1)",
  );
}

function badFieldLine(): RequestError {
  return new RequestError("BAD_FIELD_LINE", "A header line must be a name, a colon and a value (RFC 9112 section 5)");
}
