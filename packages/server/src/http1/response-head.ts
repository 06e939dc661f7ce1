/** The sending half: response heads and the chunked coding, as strings of Latin-1 characters. */
import { ResponseError } from "./errors.ts";
import { FORBIDDEN_IN_VALUE, FORBIDDEN_TRAILERS, TOKEN } from "./grammar.ts";

const REASON: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  102: "Processing",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi-Status",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** The status lines. The reason phrase may be empty, but the space before it is required (RFC 9112 §4). */
const STATUS_LINES: readonly string[] = Array.from({ length: 600 }, (_, status) =>
  status < 100 ? "" : `HTTP/1.1 ${status} ${REASON[status] ?? ""}\r\n`,
);

/** The registered reason phrase, or an empty string. */
export function reasonPhrase(status: number): string {
  return REASON[status] ?? "";
}

/** The status line of a response (RFC 9112 §4). @throws ResponseError `BAD_STATUS` where it is not a status code. */
export function statusLine(status: number): string {
  const line = STATUS_LINES[status];
  if (line === undefined || line === "") {
    throw new ResponseError("BAD_STATUS", `A status must be an integer from 100 to 599, not ${String(status)}`);
  }
  return line;
}

/** What a field name means to a response; `PLAIN` is every field that is sent as it is. */
const PLAIN = 0;
const CONTENT_LENGTH = 1;
const DATE = 2;
/** Connection fields are the server's own (RFC 9110 §7.6.1). A proxied response may bring them along: they are not sent. */
const CONNECTION = 3;
/** Sent only in a 426: "The server MUST send an Upgrade header field in a 426 response" (RFC 9110 §15.5.22). */
const UPGRADE = 4;

const ROLES: ReadonlyMap<string, number> = new Map([
  ["content-length", CONTENT_LENGTH],
  ["connection", CONNECTION],
  ["keep-alive", CONNECTION],
  ["proxy-connection", CONNECTION],
  ["transfer-encoding", CONNECTION],
  ["upgrade", UPGRADE],
  ["date", DATE],
]);

/** Pairs, or a record in which an array has one field line an item. */
export type ResponseFields = Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[]>>;

/**
 * Encodes the head of one response. Every line of a response passes here, so this is where response splitting is prevented: names are
 * tokens, and values contain no CR, LF or NUL.
 */
export class ResponseHeadEncoder {
  readonly #status: number;
  /** The status line and the application's lines. */
  #text: string;
  /** The application's Content-Length. Its line is left out: the server writes its own once it knows the content. */
  contentLength: number | null = null;
  /** Whether the application gave a Date. */
  hasDate = false;

  /** @throws ResponseError `BAD_STATUS`, `BAD_FIELD_NAME`, `BAD_FIELD_VALUE`, `BAD_RESPONSE_LENGTH` */
  constructor(status: number, fields: ResponseFields | undefined) {
    this.#status = status;
    this.#text = statusLine(status);
    if (fields === undefined) return;
    if (Symbol.iterator in fields) {
      for (const pair of fields) {
        if (typeof pair === "string") throw notPairs(pair);
        const [name, value] = pair;
        this.#field(name, value);
      }
      return;
    }
    for (const name in fields) {
      const value: unknown = fields[name];
      if (Array.isArray(value)) for (const line of value) this.#field(name, line);
      else if (value !== undefined) this.#field(name, value);
    }
  }

  /**
   * The whole head with its empty line.
   * @param date the server's own lines, each with its CRLF or an empty string; as the two behind it.
   */
  encode(date: string, framing: string, connection: string): string {
    return `${this.#text}${date}${framing}${connection}\r\n`;
  }

  #field(name: string, value: unknown): void {
    checkName(name);
    checkValue(name, value);
    const role = ROLES.get(name.toLowerCase()) ?? PLAIN;
    if (role !== PLAIN && !this.#interpret(role, value)) return;
    this.#text += `${name}: ${value}\r\n`;
  }

  /** @returns whether the line is sent. */
  #interpret(role: number, value: string): boolean {
    switch (role) {
      case CONTENT_LENGTH:
        if (!/^[0-9]{1,15}$/.test(value) || this.contentLength !== null) {
          throw new ResponseError(
            "BAD_RESPONSE_LENGTH",
            "Content-Length must be one decimal number (RFC 9110 section 8.6)",
          );
        }
        this.contentLength = Number(value);
        return false;
      case DATE:
        this.hasDate = true;
        return true;
      case UPGRADE:
        if (this.#status !== 426) return false;
        // RFC 9110 §7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option in the Connection header field".
        this.#text += "Connection: upgrade\r\n";
        return true;
      default:
        return false;
    }
  }
}

/**
 * One line of a trailer section.
 * @throws ResponseError `BAD_FIELD_NAME`, also for a name that is forbidden in trailers; `BAD_FIELD_VALUE`
 */
export function trailerLine(name: string, value: string): string {
  checkName(name);
  if (FORBIDDEN_TRAILERS.has(name.toLowerCase())) {
    throw new ResponseError("BAD_FIELD_NAME", `${name} may not be sent in a trailer (RFC 9110 section 6.5.1)`);
  }
  checkValue(name, value);
  return `${name}: ${value}\r\n`;
}

function notPairs(item: string): ResponseError {
  const message = `Header fields are a record or pairs such as ["content-type", "text/plain"], not ${JSON.stringify(item)}`;
  return new ResponseError("BAD_FIELD_NAME", message);
}

function checkName(name: unknown): void {
  if (typeof name !== "string" || !TOKEN.test(name)) {
    throw new ResponseError("BAD_FIELD_NAME", `${JSON.stringify(name)} is not a field name (RFC 9110 section 5.1)`);
  }
}

/** Allowed characters of ASCII: a search for these is the faster loop in V8. */
const ASCII_VALUE = /^[\t\x20-\x7e]*$/;

function checkValue(name: string, value: unknown): asserts value is string {
  // Something that is not a string could be another text each time it is converted to one.
  if (typeof value !== "string") {
    const what =
      typeof value === "number" ? `the number ${value}` : value === null ? "null" : `a value of type ${typeof value}`;
    throw new ResponseError("BAD_FIELD_VALUE", `The value of the field "${name}" must be a string, not ${what}`);
  }
  if (ASCII_VALUE.test(value) || !FORBIDDEN_IN_VALUE.test(value)) return;
  throw new ResponseError(
    "BAD_FIELD_VALUE",
    `The value of the field "${name}" contains a character that a field value must not contain (RFC 9110 section 5.5)`,
  );
}

/** A Content-Length line (RFC 9110 §8.6). */
export function contentLengthLine(lengthBytes: number): string {
  return `Content-Length: ${lengthBytes}\r\n`;
}

/** RFC 9112 §7.1: "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF". A length of 0 would be the last chunk. */
export function chunkStart(lengthBytes: number): string {
  return `${lengthBytes.toString(16)}\r\n`;
}

/** The last chunk and the trailer section (RFC 9112 §7.1). @param trailers lines made by {@link trailerLine}. */
export function lastChunk(trailers: string): string {
  return `0\r\n${trailers}\r\n`;
}
