/** An application and what it exchanges with its server, by PEP 3333. */
import type { Exchange } from "../../index.ts";
import type { InputStream } from "./input-stream.ts";

/** A byte string. A string is sent as UTF-8. */
export type Bytes = Uint8Array | string;

/** An error, or Python's triple of its class, the error and its trace. */
export type ExcInfo = Error | readonly [type: unknown, value: Error, traceback: unknown];

/**
 * Announces status and header fields, once, before the first piece of the body.
 *
 * @param status such as `200 OK`. HTTP/2 has no reason phrase, and no server of ours sends this one.
 * @param headers a list of pairs: `[["Content-Type", "text/html"]]`.
 * @param excInfo the error for which this head replaces an earlier one. It is thrown again if the earlier head has been sent.
 * @returns `write`, for programs that cannot return an iterable.
 * @throws TypeError if `status` or `headers` cannot be sent; the message says what to write.
 */
export type StartResponse = (
  status: string,
  headers: readonly (readonly [string, string])[],
  excInfo?: ExcInfo | null,
) => (data: Bytes) => void;

/** The body: byte strings, one after the other. */
export interface WsgiResponse extends Iterable<Bytes> {
  /** Called once when the response is over, whether it was sent in full or not. */
  close?(): void;
}

/** Returns the body. A string or a byte string is a body of one piece. */
export type WsgiFunction = (environ: Environ, startResponse: StartResponse) => WsgiResponse | Bytes;

/** An instance is the body of one response. Its iterator may call `startResponse` when it is asked for the first piece. */
export type WsgiClass = new (environ: Environ, startResponse: StartResponse) => WsgiResponse;

/** An application by PEP 3333: a function, or a class whose objects are bodies. */
export type WsgiApplication = WsgiFunction | WsgiClass;

/** A new object for each request, which the application may change. */
export interface Environ {
  REQUEST_METHOD: string;
  SCRIPT_NAME: string;
  /** Percent-decoded. PEP 3333: each character is one byte. `Buffer.from(PATH_INFO, "latin1").toString()` is the text. */
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
  "wsgi.file_wrapper": FileWrapper;
  "wsgi.multithread": boolean;
  "wsgi.multiprocess": boolean;
  "wsgi.run_once": boolean;
  /** Not of PEP 3333: the exchange, for what WSGI lacks, such as `waitUntil`. */
  "tsgi.exchange": Exchange;
  /** `HTTP_*` and what middleware adds. */
  [variable: string]: unknown;
}

/** Receives what is written to `wsgi.errors`. */
export type ErrorSink = (text: string) => void;

/** `wsgi.errors`: a text stream. */
export interface ErrorStream {
  write(text: string): void;
  writelines(lines: Iterable<string>): void;
  flush(): void;
}

/** An object with a synchronous `read`, such as `wsgi.input`. */
export interface FileLike {
  /** Returns at most `size` bytes, and none at the end. */
  read(size: number): Bytes;
  close?(): void;
}

/**
 * A file as the iterable that an application returns (PEP 3333, "Optional Platform-Specific File Handling").
 * @param file a file descriptor, such as `openSync(path)` returns, or an object with `read`. It is closed with the response.
 * @param blockBytes the size of a read, in bytes. Default 64 KiB.
 */
export type FileWrapper = (file: number | FileLike, blockBytes?: number) => WsgiResponse;
