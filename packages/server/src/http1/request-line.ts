/** The request line (RFC 9112 §3), whole or as far as it has come. */
import { RequestError } from "./errors.ts";
import { isAuthority, TOKEN } from "./grammar.ts";

export interface RequestLine {
  readonly method: string;
  /** As received (RFC 9112 §3.2). */
  readonly target: string;
  readonly minorVersion: 0 | 1;
  /** The authority of a target in absolute form, else `null`. */
  readonly authority: string | null;
}

/** Longer methods are refused with 501 (RFC 9112 §3). The longest registered method has 18 bytes. */
const MAX_METHOD_BYTES = 32;

/**
 * Origin form, "absolute-path [ "?" query ]". Wider than RFC 3986, because browsers send some characters of a query unencoded; we
 * choose to refuse those that no browser sends: `"`, `#`, `<`, `>`, every byte from 0x80 on, and a backslash in the path.
 */
export const ORIGIN_FORM: RegExp = /^\/[!$-;=@-[\]-~]*(?:\?[!$-;=?-~]*)?$/;

const ABSOLUTE_FORM = /^https?:\/\/([^/?@]+)((?:\/[!$-;=@-[\]-~]*)?(?:\?[!$-;=?-~]*)?)$/i;

const VERSION = "HTTP/0.0";
const SLASH = 47;

/**
 * Reads the request line that stands between two offsets of a text, without its CRLF.
 * @throws RequestError
 */
export function readRequestLine(text: string, from: number, to: number, maxTargetBytes: number): RequestLine {
  const methodEnd = text.indexOf(" ", from);
  const targetEnd = text.indexOf(" ", methodEnd + 1);
  // RFC 9112 §3: "request-line = method SP request-target SP HTTP-version"
  if (methodEnd === -1 || targetEnd === -1 || targetEnd > to) throw badRequestLine();
  const method = text.slice(from, methodEnd);
  if (method.length > MAX_METHOD_BYTES || !TOKEN.test(method)) throw badMethod();
  const target = text.slice(methodEnd + 1, targetEnd);
  if (target.length > maxTargetBytes) throw targetTooLong(maxTargetBytes);
  const minorVersion = readVersion(text.slice(targetEnd + 1, to));
  return { method, target, minorVersion, authority: readTarget(method, target) };
}

/**
 * Refuses the beginning of a request line at the first byte that no request line has at that place, so that a client of another
 * protocol does not wait for a timeout. What only a whole line shows is left to {@link readRequestLine}.
 * @param start as much of the line as has come, without its CRLF.
 * @throws RequestError
 */
export function checkRequestLineStart(start: string, maxTargetBytes: number): void {
  const methodEnd = start.search(/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/);
  if (methodEnd > MAX_METHOD_BYTES || (methodEnd === -1 && start.length > MAX_METHOD_BYTES)) {
    throw new RequestError("METHOD_TOO_LONG", `The method is longer than ${MAX_METHOD_BYTES} bytes`);
  }
  if (methodEnd === -1) return;
  if (start[methodEnd] !== " ") throw badByte(start, methodEnd, badMethod);
  if (methodEnd === 0) throw badMethod();

  const rest = start.slice(methodEnd + 1);
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  const targetEnd = rest.search(/[\x00-\x20\x7f]/);
  if (targetEnd > maxTargetBytes || (targetEnd === -1 && rest.length > maxTargetBytes))
    throw targetTooLong(maxTargetBytes);
  if (targetEnd === -1) return;
  if (targetEnd === 0 || rest[targetEnd] !== " ") throw badByte(rest, targetEnd, badRequestLine);

  for (let at = targetEnd + 1; at < rest.length; at++) {
    const expected = VERSION[at - targetEnd - 1];
    const found = rest.charAt(at);
    if (expected === "0" ? found < "0" || found > "9" : found !== expected) throw badByte(rest, at, badVersion);
  }
}

/** RFC 9112 §2.3: "HTTP-version = HTTP-name "/" DIGIT "." DIGIT", and it is case-sensitive. */
function readVersion(version: string): 0 | 1 {
  if (version === "HTTP/1.1") return 1;
  if (version === "HTTP/1.0") return 0;
  if (/^HTTP\/[0-9]\.[0-9]$/.test(version)) {
    throw new RequestError("VERSION_NOT_SUPPORTED", "This server supports HTTP/1.1 and HTTP/1.0");
  }
  throw badVersion();
}

/** Checks the four forms of a target (RFC 9112 §3.2), and gives the authority of the absolute form. */
function readTarget(method: string, target: string): string | null {
  if (method === "CONNECT") {
    if (!isAuthority(target)) throw badTarget();
    throw new RequestError("CONNECT_NOT_SUPPORTED", "This server is not a proxy");
  }
  const authority = target.charCodeAt(0) === SLASH && ORIGIN_FORM.test(target) ? null : readOtherForm(method, target);
  // RFC 9110 §9.3.8 has the recipient reflect the request, credentials included. We choose not to (docs/decisions/0042-no-trace.md).
  if (method === "TRACE") throw new RequestError("TRACE_NOT_SUPPORTED", "This server does not reflect requests");
  return authority;
}

function readOtherForm(method: string, target: string): string | null {
  // RFC 9112 §3.2.4: the asterisk form is for OPTIONS only.
  if (target === "*" && method === "OPTIONS") return null;
  const authority = ABSOLUTE_FORM.exec(target)?.[1];
  if (authority === undefined || !isAuthority(authority)) throw badTarget();
  return authority;
}

/**
 * Whether a good target names another scheme than its connection's. RFC 9110 §7.4: "a request for an "https" resource MUST be
 * rejected unless it has been received over a connection that has been secured". We choose to refuse the reverse case too.
 */
export function isMisdirected(target: string, encrypted: boolean): boolean {
  if (target.charCodeAt(0) === SLASH || target === "*") return false;
  return target.slice(0, 6).toLowerCase() === "https:" ? !encrypted : encrypted;
}

/** The refusal of such a request (RFC 9110 §15.5.20). */
export function misdirected(): RequestError {
  return new RequestError("MISDIRECTED", "The target's scheme is not that of this connection (RFC 9110 section 7.4)");
}

/** A control character is refused as such wherever it stands; other bytes by what they are part of. */
function badByte(text: string, at: number, otherwise: () => RequestError): RequestError {
  const code = text.charCodeAt(at);
  if (code === 32 || code === 9) return badRequestLine();
  return code < 32 || code === 127 ? forbiddenByte() : otherwise();
}

export function forbiddenByte(): RequestError {
  return new RequestError(
    "FORBIDDEN_BYTE",
    "The head contains a control character or a bare CR or LF (RFC 9112 section 2.2)",
  );
}

function badRequestLine(): RequestError {
  return new RequestError(
    "BAD_REQUEST_LINE",
    "The request line must be a method, a target and a version (RFC 9112 section 3)",
  );
}

function badMethod(): RequestError {
  return new RequestError("BAD_METHOD", "The method is not a token (RFC 9110 section 9.1)");
}

function targetTooLong(maxTargetBytes: number): RequestError {
  return new RequestError("TARGET_TOO_LONG", `The request target is longer than ${maxTargetBytes} bytes`);
}

function badVersion(): RequestError {
  return new RequestError("BAD_VERSION", "The HTTP version is malformed (RFC 9112 section 2.3)");
}

function badTarget(): RequestError {
  return new RequestError("BAD_TARGET", "The request target is malformed (RFC 9112 section 3.2)");
}
