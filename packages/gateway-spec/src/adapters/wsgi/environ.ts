/** The environ of PEP 3333 and its file-like members. */
import type { Exchange, IncomingRequest } from "../../index.ts";
import { percentDecode, splitUrl } from "../url-parts.ts";

/** A dictionary of its own for each request; the application may change it. */
export interface Environ {
  REQUEST_METHOD: string;
  SCRIPT_NAME: string;
  /** Percent-decoded; each character is a byte (ISO-8859-1), as PEP 3333 has it: decode it as UTF-8 yourself. */
  PATH_INFO: string;
  QUERY_STRING: string;
  CONTENT_TYPE?: string;
  CONTENT_LENGTH?: string;
  SERVER_NAME: string;
  SERVER_PORT: string;
  SERVER_PROTOCOL: string;
  REMOTE_ADDR?: string;
  REMOTE_PORT?: string;
  "wsgi.version": readonly [1, 0];
  "wsgi.url_scheme": "http" | "https";
  "wsgi.input": InputStream;
  "wsgi.errors": ErrorStream;
  "wsgi.multithread": boolean;
  "wsgi.multiprocess": boolean;
  "wsgi.run_once": boolean;
  /** A server-defined variable: what WSGI has no word for, such as `waitUntil`. */
  "tsgi.exchange": Exchange;
  /** `HTTP_*` and whatever middleware adds. */
  [variable: string]: unknown;
}

/** Where `wsgi.errors` writes. */
export type ErrorSink = (text: string) => void;

/** `wsgi.errors`: a text stream. */
export interface ErrorStream {
  write(text: string): void;
  writelines(lines: Iterable<string>): void;
  flush(): void;
}

export function toEnviron(
  request: IncomingRequest,
  exchange: Exchange,
  content: Uint8Array,
  writeError: ErrorSink,
): Environ {
  const url = new URL(request.url);
  const { path, query } = splitUrl(request.url);
  const { localAddress, remoteAddress } = exchange;
  const local = localAddress?.transport === "tcp" ? localAddress : null;
  const scheme = exchange.encrypted ? "https" : "http";
  const environ: Environ = {
    REQUEST_METHOD: request.method,
    SCRIPT_NAME: "",
    PATH_INFO: percentDecode(path).toString("latin1"),
    QUERY_STRING: query,
    // RFC 3875 §4.1.14 would have the name of the URL; PEP 3333 wants both never empty, and HTTP_HOST goes before them.
    SERVER_NAME: local?.hostname ?? url.hostname,
    SERVER_PORT: String(local?.port ?? (url.port || (scheme === "https" ? 443 : 80))),
    SERVER_PROTOCOL: `HTTP/${exchange.protocol}`,
    "wsgi.version": [1, 0],
    "wsgi.url_scheme": scheme,
    "wsgi.input": new InputStream(content),
    "wsgi.errors": {
      write: writeError,
      writelines: (lines) => {
        for (const line of lines) writeError(line);
      },
      flush: () => undefined,
    },
    // One thread runs an application; other processes may run another copy, and only they know.
    "wsgi.multithread": false,
    "wsgi.multiprocess": true,
    "wsgi.run_once": false,
    "tsgi.exchange": exchange,
  };
  if (remoteAddress?.transport === "tcp") {
    environ.REMOTE_ADDR = remoteAddress.hostname;
    environ.REMOTE_PORT = String(remoteAddress.port);
  }
  for (const [name, value] of request.headers) addField(environ, name, value);
  // The content is at hand as a whole, whatever framing it came in.
  if (request.body !== null) environ.CONTENT_LENGTH = String(content.byteLength);
  return environ;
}

function addField(environ: Environ, name: string, value: string): void {
  switch (name) {
    case "content-type":
      environ.CONTENT_TYPE = value;
      return;
    case "content-length":
      environ.CONTENT_LENGTH = value;
      return;
    // It would be HTTP_PROXY, which programs of this tradition take for their own configuration ("httpoxy").
    case "proxy":
    case "transfer-encoding":
      return;
    default:
  }
  // `x_a` and `x-a` would be one variable: a client could forge what a proxy sets.
  if (name.includes("_")) return;
  const variable = `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
  const earlier = environ[variable];
  environ[variable] = typeof earlier === "string" ? `${earlier},${value}` : value;
}

const LINE_FEED = 10;

/** `wsgi.input`: a file of bytes that reads from memory. Nothing is left is an empty array, as Python's `b""`. */
export class InputStream implements Iterable<Uint8Array> {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param size at most so many bytes. Default, and where it is negative: all. */
  read(size = -1): Uint8Array {
    const end = size < 0 ? this.#bytes.byteLength : this.#offset + size;
    const piece = this.#bytes.subarray(this.#offset, end);
    this.#offset += piece.byteLength;
    return piece;
  }

  /** Up to and with the next line feed. @param size at most so many bytes. Default: as long as the line is. */
  readline(size = -1): Uint8Array {
    const feed = this.#bytes.indexOf(LINE_FEED, this.#offset);
    const length = (feed === -1 ? this.#bytes.byteLength : feed + 1) - this.#offset;
    return this.read(size < 0 ? length : Math.min(size, length));
  }

  /** All lines. @param hint no further line once so many bytes are read. */
  readlines(hint = -1): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let length = 0;
    for (const line of this) {
      lines.push(line);
      length += line.byteLength;
      if (hint > 0 && length >= hint) break;
    }
    return lines;
  }

  *[Symbol.iterator](): Generator<Uint8Array, void, undefined> {
    for (let line = this.readline(); line.byteLength > 0; line = this.readline()) yield line;
  }
}
