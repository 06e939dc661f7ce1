/** Errors of a peer, or of the application, against HTTP/1.1. */

/** Status codes of refusals. */
export type RefusalStatus = 400 | 413 | 414 | 417 | 421 | 431 | 501 | 505;

/** The codes of {@link RequestError}: how a request violates HTTP/1.1. `docs/server-behavior.md` has the status of each. */
export type RequestErrorCode =
  | "FORBIDDEN_BYTE"
  | "BAD_REQUEST_LINE"
  | "BAD_METHOD"
  | "METHOD_TOO_LONG"
  | "CONNECT_NOT_SUPPORTED"
  | "TRACE_NOT_SUPPORTED"
  | "BAD_TARGET"
  | "TARGET_TOO_LONG"
  | "BAD_VERSION"
  | "VERSION_NOT_SUPPORTED"
  | "BAD_FIELD_LINE"
  | "HEAD_TOO_LARGE"
  | "TOO_MANY_FIELDS"
  | "BAD_HOST"
  | "BAD_CONTENT_LENGTH"
  | "BAD_TRANSFER_ENCODING"
  | "TRANSFER_CODING_NOT_SUPPORTED"
  | "BAD_FRAMING"
  | "BAD_EXPECTATION"
  | "MISDIRECTED"
  | "BAD_CHUNK"
  | "CHUNK_EXTENSIONS_TOO_LARGE"
  | "BAD_TRAILER"
  | "TRAILERS_TOO_LARGE";

const STATUS: Readonly<Record<RequestErrorCode, RefusalStatus>> = {
  FORBIDDEN_BYTE: 400,
  BAD_REQUEST_LINE: 400,
  BAD_METHOD: 400,
  METHOD_TOO_LONG: 501,
  CONNECT_NOT_SUPPORTED: 501,
  TRACE_NOT_SUPPORTED: 501,
  BAD_TARGET: 400,
  TARGET_TOO_LONG: 414,
  BAD_VERSION: 400,
  VERSION_NOT_SUPPORTED: 505,
  BAD_FIELD_LINE: 400,
  HEAD_TOO_LARGE: 431,
  TOO_MANY_FIELDS: 431,
  BAD_HOST: 400,
  BAD_CONTENT_LENGTH: 400,
  BAD_TRANSFER_ENCODING: 400,
  TRANSFER_CODING_NOT_SUPPORTED: 501,
  BAD_FRAMING: 400,
  BAD_EXPECTATION: 417,
  MISDIRECTED: 421,
  BAD_CHUNK: 400,
  CHUNK_EXTENSIONS_TOO_LARGE: 413,
  BAD_TRAILER: 400,
  TRAILERS_TOO_LARGE: 431,
};

/** The client broke the protocol. No later byte can be parsed: respond with `status` and close. Any other error is a bug of ours. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: RequestErrorCode;
  /** The status to respond with. */
  readonly status: RefusalStatus;

  /** @param message one sentence for the client: only constants and what the client itself sent. */
  constructor(code: RequestErrorCode, message: string) {
    super(message);
    this.code = code;
    this.status = STATUS[code];
  }
}

/** The application gave a response that HTTP/1.1 cannot express. */
export class ResponseError extends Error {
  override readonly name = "ResponseError";
  readonly code: ResponseErrorCode;

  constructor(code: ResponseErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The codes of {@link ResponseError}: what a response has that cannot be sent. */
export type ResponseErrorCode =
  | "BAD_STATUS"
  | "BAD_FIELD_NAME"
  | "BAD_FIELD_VALUE"
  | "BAD_RESPONSE_LENGTH"
  | "LENGTH_MISMATCH"
  | "BAD_BODY";
