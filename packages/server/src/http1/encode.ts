/** The sending half: response heads and the chunked coding, as strings of Latin-1 characters. */
import { ResponseError } from "./errors.ts";

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

/** All status lines, made once. The reason phrase may be empty, its space may not (RFC 9112 §4). */
const STATUS_LINES: readonly string[] = Array.from({ length: 600 }, (_, status) =>
  status < 100 ? "" : `HTTP/1.1 ${status} ${REASON[status] ?? ""}\r\n`,
);

/** The registered reason phrase, or an empty string. */
export function reasonPhrase(status: number): string {
  return REASON[status] ?? "";
}

/** @throws ResponseError `BAD_STATUS` where it is no status code. */
export function statusLine(status: number): string {
  const line = STATUS_LINES[status];
  if (line === undefined || line === "") {
    throw new ResponseError("BAD_STATUS", `A status must be an integer from 100 to 599, not ${String(status)}`);
  }
  return line;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PLAIN_VALUE = /^[\t\x20-\x7e]*$/;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** What a field name means to the framing of a response; 0 is for all others. */
const PLAIN = 0;
const CONTENT_LENGTH = 1;
const CONNECTION = 2;
const DATE = 3;
const TRAILER = 4;
const UPGRADE = 5;
const SERVER_ONLY = 6;

const ROLES: ReadonlyMap<string, number> = new Map([
  ["content-length", CONTENT_LENGTH],
  ["connection", CONNECTION],
  ["date", DATE],
  ["trailer", TRAILER],
  ["upgrade", UPGRADE],
  ["transfer-encoding", SERVER_ONLY],
  ["keep-alive", SERVER_ONLY],
]);

/** Pairs, or a record whose arrays make one line an item. */
type Fields = Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[]>>;

interface OutgoingName {
  readonly prefix: string;
  readonly role: number;
}

/**
 * Writes the head of one response after the other. Every line of a response passes here, so this is where a response cannot be
 * split: names are tokens, values hold no CR, LF or NUL. One object serves a whole server, for a head is written in one go.
 */
export class HeadWriter {
  readonly #known = new Map<string, OutgoingName>();
  #text = "";
  /** What the application said in Content-Length; -1 where it said nothing. */
  contentLength = -1;
  /** Whether the application asked for the connection's end. */
  close = false;
  hasDate = false;
  hasTrailer = false;
  #upgrade = false;

  /** Starts a head. @throws ResponseError `BAD_STATUS` */
  begin(status: number): void {
    this.#text = statusLine(status);
    this.contentLength = -1;
    this.close = false;
    this.hasDate = false;
    this.hasTrailer = false;
    this.#upgrade = false;
  }

  /**
   * Adds a line of the application's. `Connection` is not sent as it stands: what it says about closing is heard.
   * @throws ResponseError `BAD_FIELD_NAME`, `BAD_FIELD_VALUE`, `BAD_RESPONSE_LENGTH`, `CONNECTION_FIELD`
   */
  field(name: string, value: string): void {
    const known = this.#known.get(name) ?? this.#learn(name);
    if (!PLAIN_VALUE.test(value)) checkValue(name, value);
    if (known.role !== PLAIN && !this.#hear(known.role, name, value)) return;
    this.#text += known.prefix + value + "\r\n";
  }

  /** Adds all fields of either shape. */
  fields(fields: Fields): void {
    if (Symbol.iterator in fields) {
      for (const [name, value] of fields) this.field(name, value);
      return;
    }
    for (const name in fields) {
      const value = fields[name];
      if (typeof value === "string") this.field(name, value);
      else if (value !== undefined) for (const line of value) this.field(name, line);
    }
  }

  /** The head with its empty line. @param lines lines of the server's own, each with its CRLF. */
  end(lines: string): string {
    const text = `${this.#text}${lines}${this.#upgrade ? "Connection: upgrade\r\n" : ""}\r\n`;
    this.#text = "";
    return text;
  }

  /** @returns whether the line is to be sent. */
  #hear(role: number, name: string, value: string): boolean {
    switch (role) {
      case CONTENT_LENGTH:
        if (!/^[0-9]{1,15}$/.test(value) || this.contentLength !== -1) {
          throw new ResponseError(
            "BAD_RESPONSE_LENGTH",
            "Content-Length must be one decimal number (RFC 9110 section 8.6)",
          );
        }
        this.contentLength = Number(value);
        // The server writes the line itself, once it knows the content.
        return false;
      case CONNECTION:
        this.close ||= /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(value);
        return false;
      case DATE:
        this.hasDate = true;
        return true;
      case TRAILER:
        this.hasTrailer = true;
        return true;
      case UPGRADE:
        this.#upgrade = true;
        return true;
      default:
        throw new ResponseError("CONNECTION_FIELD", `${name} is the server's to send (RFC 9110 section 7.6.1)`);
    }
  }

  #learn(name: string): OutgoingName {
    if (!TOKEN.test(name)) {
      throw new ResponseError("BAD_FIELD_NAME", `${JSON.stringify(name)} is no field name (RFC 9110 section 5.1)`);
    }
    const entry = { prefix: `${name}: `, role: ROLES.get(name.toLowerCase()) ?? PLAIN };
    if (this.#known.size < 512) this.#known.set(name, entry);
    return entry;
  }
}

/**
 * One line of a trailer section.
 * @throws ResponseError `BAD_FIELD_NAME`, `BAD_FIELD_VALUE`
 */
export function fieldLine(name: string, value: string): string {
  if (!TOKEN.test(name)) {
    throw new ResponseError("BAD_FIELD_NAME", `${JSON.stringify(name)} is no field name (RFC 9110 section 5.1)`);
  }
  checkValue(name, value);
  return `${name}: ${value}\r\n`;
}

function checkValue(name: string, value: unknown): void {
  if (typeof value !== "string" || FORBIDDEN_IN_VALUE.test(value)) {
    throw new ResponseError(
      "BAD_FIELD_VALUE",
      `The value of ${name} holds what no field value may hold (RFC 9110 section 5.5)`,
    );
  }
}

/** RFC 9112 §7.1: "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF". Never call it with 0: that is the last chunk. */
export function chunkStart(lengthBytes: number): string {
  return `${lengthBytes.toString(16)}\r\n`;
}

/** @param trailers lines made by {@link fieldLine}. */
export function lastChunk(trailers: string): string {
  return `0\r\n${trailers}\r\n`;
}
