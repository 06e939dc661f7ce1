/** The sending half: response heads and the chunked coding, as strings of Latin-1 characters. */
import { ResponseError } from "./errors.ts";
import { copied, FORBIDDEN_IN_VALUE, FORBIDDEN_TRAILERS, TOKEN } from "./text.ts";

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

const PLAIN_VALUE = /^[\t\x20-\x7e]*$/;

/** What a field name means to the framing of a response; 0 is for all others. */
const PLAIN = 0;
const CONTENT_LENGTH = 1;
const DATE = 2;
/** The connection is the server's (RFC 9110 §7.6.1); a proxied response brings these along. They are not sent. */
const CONNECTION = 3;
/** Sent in a 426 alone: "The server MUST send an Upgrade header field in a 426 response" (RFC 9110 §15.5.22). */
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

/** Pairs, or a record whose arrays make one line an item. */
type Fields = Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[]>>;

interface OutgoingName {
  readonly prefix: string;
  readonly role: number;
}

/** A head's parts that are the server's own: each is a line with its CRLF, or an empty string. */
interface ServerLines {
  readonly date: string;
  readonly framing: string;
  readonly connection: string;
}

/** Longest content kept to be recognized, in characters. */
const MAX_KEPT_CONTENT = 4096;

/** A head and its content, as they were last sent. */
interface Message {
  readonly content: string;
  readonly date: string;
  readonly connection: string;
  text: string;
  /** Whether `text` is one piece of memory: made so when it is first sent again. */
  flat: boolean;
}

/**
 * Writes the head of one response after the other. Every line of a response passes here, so this is where a response cannot be
 * split: names are tokens, values hold no CR, LF or NUL. One object serves a whole server, for a head is written in one go.
 *
 * A head that says what the last one said is not made again. {@link HeadWriter.begin} compares first; the plain path stands behind
 * it, and the tests run both.
 */
export class HeadWriter {
  readonly #known = new Map<string, OutgoingName>();
  /** The status line and the application's lines. */
  #text = "";
  #status = 0;
  /** What `#text` was made of: name, value, name, value, …; `null` where it cannot be compared. */
  #said: string[] | null = null;
  #whole = "";
  #wholeIsFlat = false;
  #lines: ServerLines = { date: "", framing: "", connection: "" };
  /** The head begun is the last one again, as far as the application has a say. */
  #repeated = false;
  /** The last head with its content, where that was short text: see {@link HeadWriter.again}. */
  #message: Message | null = null;
  /** What the application said in Content-Length; -1 where it said nothing. */
  contentLength = -1;
  hasDate = false;

  /**
   * Starts a head with the application's part, but for the fields of the connection.
   * @throws ResponseError `BAD_STATUS`, `BAD_FIELD_NAME`, `BAD_FIELD_VALUE`, `BAD_RESPONSE_LENGTH`
   */
  begin(status: number, fields: Fields | undefined): void {
    this.#repeated = this.#repeats(status, fields);
    if (this.#repeated) return;
    this.#status = status;
    this.#said = null;
    this.#message = null;
    this.#whole = "";
    this.#text = statusLine(status);
    this.contentLength = -1;
    this.hasDate = false;
    const said: string[] = [];
    let comparable = true;
    if (fields === undefined) {
      // No lines.
    } else if (Symbol.iterator in fields) {
      comparable = false;
      for (const [name, value] of fields) this.#field(name, value);
    } else {
      for (const name in fields) {
        const value = fields[name];
        if (typeof value === "string") {
          this.#field(name, value);
          said.push(name, value);
        } else if (value !== undefined) {
          comparable = false;
          for (const line of value) this.#field(name, line);
        }
      }
    }
    this.#said = comparable ? said : null;
  }

  /** The head with its empty line. */
  end(date: string, framing: string, connection: string): string {
    const lines = this.#lines;
    if (this.#whole !== "" && lines.date === date && lines.framing === framing && lines.connection === connection) {
      if (!this.#wholeIsFlat) {
        this.#whole = copied(this.#whole);
        this.#wholeIsFlat = true;
      }
      return this.#whole;
    }
    this.#lines = { date, framing, connection };
    this.#wholeIsFlat = false;
    this.#whole = `${this.#text}${date}${framing}${connection}\r\n`;
    return this.#whole;
  }

  /**
   * Fast path: the last head together with its content, where a server that says the same again would put them together again.
   * @returns `null` where it would not.
   */
  again(content: string, date: string, connection: string): string | null {
    const message = this.#message;
    if (!this.#repeated || message === null || message.content !== content) return null;
    if (message.date !== date || message.connection !== connection) return null;
    if (!message.flat) {
      message.text = copied(message.text);
      message.flat = true;
    }
    return message.text;
  }

  /**
   * The present head with its content.
   * @param content of ASCII.
   */
  withContent(head: string, content: string): string {
    const text = head + content;
    if (this.#said !== null && content.length <= MAX_KEPT_CONTENT) {
      const { date, connection } = this.#lines;
      this.#message = { content, date, connection, text, flat: false };
    }
    return text;
  }

  /** Fast path: whether this is the last head's status with the last head's fields. */
  #repeats(status: number, fields: Fields | undefined): boolean {
    const said = this.#said;
    if (said === null || status !== this.#status) return false;
    let at = 0;
    if (fields !== undefined) {
      if (Symbol.iterator in fields) return false;
      for (const name in fields) {
        if (said[at] !== name || said[at + 1] !== fields[name]) return false;
        at += 2;
      }
    }
    return at === said.length;
  }

  #field(name: string, value: string): void {
    const known = this.#known.get(name) ?? this.#learn(name);
    // What is no string could be another text each time it is asked for one.
    if (typeof value !== "string" || !PLAIN_VALUE.test(value)) checkValue(name, value);
    if (known.role !== PLAIN && !this.#hear(known.role, value)) return;
    this.#text += known.prefix + value + "\r\n";
  }

  /** @returns whether the line is to be sent. */
  #hear(role: number, value: string): boolean {
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

  #learn(name: string): OutgoingName {
    checkName(name);
    const entry = { prefix: `${name}: `, role: ROLES.get(name.toLowerCase()) ?? PLAIN };
    if (this.#known.size < 512) this.#known.set(name, entry);
    return entry;
  }
}

/**
 * One line of a trailer section.
 * @throws ResponseError `BAD_FIELD_NAME`, for a name that may not stand behind a content too; `BAD_FIELD_VALUE`
 */
export function trailerLine(name: string, value: string): string {
  checkName(name);
  if (FORBIDDEN_TRAILERS.has(name.toLowerCase())) {
    throw new ResponseError("BAD_FIELD_NAME", `${name} may not be sent in a trailer (RFC 9110 section 6.5.1)`);
  }
  checkValue(name, value);
  return `${name}: ${value}\r\n`;
}

function checkName(name: unknown): void {
  if (typeof name !== "string" || !TOKEN.test(name)) {
    throw new ResponseError("BAD_FIELD_NAME", `${JSON.stringify(name)} is no field name (RFC 9110 section 5.1)`);
  }
}

function checkValue(name: string, value: unknown): void {
  if (typeof value !== "string" || FORBIDDEN_IN_VALUE.test(value)) {
    throw new ResponseError(
      "BAD_FIELD_VALUE",
      `The value of ${name} holds what no field value may hold (RFC 9110 section 5.5)`,
    );
  }
}

/** A line of framing (RFC 9110 §8.6). */
export function contentLengthLine(lengthBytes: number): string {
  return LENGTH_LINES[lengthBytes] ?? `Content-Length: ${lengthBytes}\r\n`;
}

const LENGTH_LINES: readonly string[] = Array.from({ length: 1024 }, (_, length) => `Content-Length: ${length}\r\n`);

/** RFC 9112 §7.1: "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF". Never call it with 0: that is the last chunk. */
export function chunkStart(lengthBytes: number): string {
  return `${lengthBytes.toString(16)}\r\n`;
}

/** @param trailers lines made by {@link trailerLine}. */
export function lastChunk(trailers: string): string {
  return `0\r\n${trailers}\r\n`;
}
