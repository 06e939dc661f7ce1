/** The error that becomes a response. */
import { STATUS_CODES } from "node:http";
import type { HeaderFields } from "@tsgi/gateway-spec";

/** The options of an {@link HttpError}, with `cause` for the log. */
export interface HttpErrorOptions extends ErrorOptions {
  /** Further header fields of the response, such as `retry-after`. */
  readonly headers?: HeaderFields;
  /** Further members of the problem document (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
}

/**
 * Throw one to respond with an error status. The client sees the status, the code and the message, so write the message for its
 * reader; it never sees the cause. From 500 up it is logged too.
 */
export class HttpError extends Error {
  override readonly name: string = "HttpError";
  /** 400–599. */
  readonly status: number;
  /** Stable, upper-case, for programs: `STOCK_UNKNOWN`. */
  readonly code: string;
  /** Further header fields of the response. */
  readonly headers: HeaderFields;
  /** Further members of the problem document. */
  readonly members: Readonly<Record<string, unknown>>;

  /**
   * @param message default: the status's own phrase, such as `Not Found`.
   * @throws RangeError for a status that is not a whole number from 400 to 599.
   */
  constructor(status: number, code: string, message: string = phraseOf(status), options: HttpErrorOptions = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`The status of an HttpError is a whole number from 400 to 599, not ${String(status)}`);
    }
    super(message, options);
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }
}

/** A mistake in a request, where it is: `{ in: "query", field: "page", message: "Invalid input: expected number" }`. */
export interface InputIssue {
  /** The part of the request. */
  readonly in: "params" | "query" | "headers" | "cookies" | "form" | "json";
  /** Names and indexes with dots between: `items.0.price`. Empty for the part as a whole. */
  readonly field: string;
  /** What is wrong, in the words of the schema. It does not repeat the value. */
  readonly message: string;
}

/** The request does not match the schemas of its route: 422 with its mistakes, at most 100 of each part. */
export class InputError extends HttpError {
  override readonly name = "InputError";
  /** The mistakes of the request, at most 100 of each part. */
  readonly issues: readonly InputIssue[];

  constructor(issues: readonly InputIssue[]) {
    super(422, "INPUT_INVALID", "The request has invalid fields", { members: { errors: issues } });
    this.issues = issues;
  }
}

/** Node has the phrases of an older RFC for these. */
const RENAMED: Readonly<Record<number, string>> = { 413: "Content Too Large", 422: "Unprocessable Content" };

/** The phrase of a status (RFC 9110 §15), such as `Not Found`. */
export function phraseOf(status: number): string {
  return RENAMED[status] ?? STATUS_CODES[status] ?? "Error";
}
