/** How long a request's content is, and whether its connection goes on (RFC 9112 §6 and §9). */
import { RequestError } from "./errors.ts";
import { listContains } from "./grammar.ts";

const DIGITS = /^[0-9]{1,15}$/;

/** One Content-Length line. RFC 9112 §6.3 lets a recipient fold equal values into one; we choose to refuse every repetition. */
export function readContentLength(value: string, earlier: number | null): number {
  if (earlier !== null || !DIGITS.test(value)) {
    throw new RequestError("BAD_CONTENT_LENGTH", "Content-Length must be one decimal number (RFC 9112 section 6.3)");
  }
  return Number(value);
}

/** RFC 9112 §6.3, strictly: chunked or a length, never both, and no coding other than chunked. */
export function contentLengthOf(length: number | null, coding: string | null, minorVersion: 0 | 1): number | "chunked" {
  if (coding === null) return length ?? 0;
  // RFC 9112 §6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST treat
  // the message as if the framing is faulty, even if a Content-Length is present, and close the connection after processing the
  // message." We choose not to process it.
  if (minorVersion === 0) {
    throw new RequestError("BAD_FRAMING", "HTTP/1.0 has no Transfer-Encoding (RFC 9112 section 6.1)");
  }
  // RFC 9112 §6.1 lets a server refuse a message with both; we choose to.
  if (length !== null) {
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
    throw new RequestError("TRANSFER_CODING_NOT_SUPPORTED", "The only supported transfer coding is chunked");
  }
  return "chunked";
}

export function badTransferEncoding(): RequestError {
  return new RequestError(
    "BAD_TRANSFER_ENCODING",
    "The transfer coding must be chunked, last and once (RFC 9112 section 6.1)",
  );
}

/**
 * Whether the client would go on with the connection (RFC 9112 §9.3).
 * @param connection the values of all Connection lines, in lower case.
 */
export function keepsAlive(connection: string, minorVersion: 0 | 1): boolean {
  // The usual values.
  if (connection === "") return minorVersion === 1;
  if (connection === "keep-alive") return true;
  return !listContains(connection, "close") && (minorVersion === 1 || listContains(connection, "keep-alive"));
}

/**
 * RFC 9110 §10.1.1: "A server that receives an Expect field value containing a member other than 100-continue MAY respond with a 417
 * (Expectation Failed) status code". We choose to. HTTP/1.0 has no expectations.
 */
export function expectsContinue(expect: string | null, minorVersion: 0 | 1): boolean {
  if (expect === null || minorVersion === 0) return false;
  if (expect !== "100-continue") {
    throw new RequestError("BAD_EXPECTATION", "The only supported expectation is 100-continue");
  }
  return true;
}
