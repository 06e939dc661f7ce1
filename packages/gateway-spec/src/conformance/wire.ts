/** The client's end of one connection, as far as HTTP/1.1 and HTTP/2 have it in common: requests, responses, and how both end. */

import type { Address } from "../index.ts";

/** The protocol of a connection, by its name for ALPN (RFC 7301 §6). */
export type Protocol = "http/1.1" | "h2";

/** A request, written without any check, because many cases send invalid ones. */
export interface RequestParts {
  /** Default `GET`. */
  readonly method?: string;
  /** Appended to the base path of the wire. */
  readonly path?: string;
  /** Replaces base and path. */
  readonly target?: string;
  /** Default `1.1`. HTTP/2 ignores it. */
  readonly version?: "1.0" | "1.1";
  /** Sent after `Host`, which is omitted if this has one. ISO-8859-1. */
  readonly headers?: readonly (readonly [string, string])[];
  /** Sent with a Content-Length, unless the headers have a framing field. */
  readonly body?: string | Uint8Array;
  /**
   * Content follows by {@link Wire.write}, up to {@link Wire.finish}. HTTP/1.1 sends it in chunks, unless the headers have a
   * Content-Length.
   */
  readonly more?: boolean;
  /** The connection ends after this request: by `Connection: close` in HTTP/1.1, by the client in HTTP/2. */
  readonly last?: boolean;
}

export interface ResponseHead {
  readonly status: number;
  /** Empty in HTTP/2, which has none. */
  readonly reason: string;
  /** Lines in the order received, names in lower case. */
  readonly fields: readonly (readonly [string, string])[];
}

export interface ReceivedResponse extends ResponseHead {
  /** The 1xx heads before it. */
  readonly informational: readonly ResponseHead[];
  readonly body: Buffer;
  /** `stream`: by the end of the HTTP/2 stream. */
  readonly framing: "none" | "length" | "chunked" | "close" | "stream";
  readonly trailers: ResponseHead["fields"];
}

/** A connection that sends requests and reads their responses in the order of the requests. Each wait has the deadline of the case. */
export interface Wire {
  readonly client: Address;
  readonly server: Address;
  /** Whether something has arrived that was not read. */
  readonly hasReceived: boolean;
  /** Bytes that the system, or the flow control of HTTP/2, has not taken, and so the server has not read. */
  readonly unsentBytes: number;
  /** Whether the server has closed the connection; in HTTP/2, the stream of the last request. */
  readonly over: boolean;
  /** The trailer section, after {@link Wire.piece} has returned null. */
  readonly trailers: ResponseHead["fields"];

  /** Sends requests, all of them in one write. */
  request(first?: RequestParts, ...further: readonly RequestParts[]): void;
  /** Sends content of the last request. */
  write(content: string | Uint8Array): void;
  /** Ends the content of the last request, as its framing demands. */
  finish(trailers?: readonly (readonly [string, string])[]): void;
  /** Sends no more: ends the sending side of the connection, or of the stream in HTTP/2. */
  end(): void;
  /** Fulfils when {@link Wire.unsentBytes} is 0, or {@link Wire.over} is true. */
  sent(): Promise<void>;

  /** The next head, which may be that of an informational response. */
  head(): Promise<ResponseHead>;
  /** Content behind a head: the next chunk, or what has arrived where there are no chunks. Null at the end of the content. */
  piece(): Promise<Buffer | null>;
  /** A whole response. @param method of its request. */
  response(method?: string): Promise<ReceivedResponse>;
  /**
   * Waits until the response whose head was read is truncated: by the end of the connection in HTTP/1.1, by a reset in HTTP/2.
   * @returns the bytes that came before that.
   * @throws ConformanceError if it ends without a reset and nothing else shows the truncation.
   */
  truncated(): Promise<Buffer>;
  /** Waits until the connection is closed. @returns what has arrived before that and was not read. */
  closed(): Promise<Buffer>;

  /** Cancels the last request: resets the connection in HTTP/1.1, the stream in HTTP/2. */
  reset(): void;
  /** Stops reading: the server's bytes stay in the buffers of the system, and HTTP/2 grants no more. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** The value of the first line of a field, or null. */
export function field(head: ResponseHead, name: string): string | null {
  return head.fields.find(([given]) => given === name)?.[1] ?? null;
}

/** The values of all lines of a field. */
export function lines(head: ResponseHead, name: string): readonly string[] {
  return head.fields.filter(([given]) => given === name).map(([, value]) => value);
}
