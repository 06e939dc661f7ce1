/** How a response is written: as a whole, or piece by piece. */
import type { HeaderFields, OutgoingResponse } from "@tsgi/gateway-spec";
import {
  type BodySink,
  type BodySource,
  byteLength,
  cancelUnsentBody,
  checkStatus,
  hasNoContent,
  isWhole,
  lengthMismatch,
  MAX_WRITE_BYTES,
  openBody,
  type PlainResponse,
  trailerLines,
} from "@tsgi/gateway-spec/server-kit";
import {
  chunkStart,
  contentLengthLine,
  lastChunk,
  type RequestHead,
  ResponseHeadEncoder,
  trailerLine,
} from "../http1/index.ts";
import { chunkText } from "./chunk-text.ts";
import type { ServerContext } from "./context.ts";
import type { WriteBuffer } from "./write-buffer.ts";

/** Longest text that is appended to its head: the string costs less than a second piece. */
const MAX_APPENDED_BYTES = 2048;

/** The parts of a request that the form of its response depends on. */
export type RespondedHead = Pick<RequestHead, "method" | "minorVersion">;

/** A response whose body comes in pieces: nothing of it has been written. */
export interface StreamedResponse {
  readonly head: string;
  readonly source: BodySource;
  /** As the head announces it; -1 where it announces none. */
  readonly contentLength: number;
  readonly chunked: boolean;
  readonly trailers: OutgoingResponse["trailers"];
  /** Whether the connection ends with it. */
  readonly last: boolean;
}

/**
 * Writes a response that is at hand as a whole.
 * @param last whether the connection ends with it.
 * @returns a response that has to be sent piece by piece, else `null`.
 * @throws before anything of it is written.
 */
export function writeResponse(
  buffer: WriteBuffer,
  context: ServerContext,
  request: RespondedHead,
  response: OutgoingResponse,
  last: boolean,
): StreamedResponse | null {
  const { status, headers } = response;
  const body = response.body ?? "";
  if (typeof body === "string" && request.method !== "HEAD") {
    const known = context.responses.find(status, headers, body, context.dateLine, connectionLine(last, request));
    if (known !== null) {
      buffer.text(known);
      return null;
    }
  }
  checkStatus(status);
  const encoder = new ResponseHeadEncoder(status, headers);
  if (hasNoContent(request.method, status)) {
    writeWithoutContent(buffer, context, request, response, encoder, last);
    return null;
  }
  if (isWhole(body)) return writeWhole(buffer, context, request, response, encoder, body, last);

  const announced = encoder.contentLength;
  const chunked = announced === null && request.minorVersion === 1;
  // RFC 9112 §6.3: without a length and without chunks, the end of the connection ends the content.
  const ends = last || (announced === null && !chunked);
  const framing = announced === null ? (chunked ? "Transfer-Encoding: chunked\r\n" : "") : contentLengthLine(announced);
  return {
    head: encoder.encode(dateLine(context, encoder), framing, connectionLine(ends, request)),
    source: openBody(body),
    contentLength: announced ?? -1,
    chunked,
    trailers: chunked ? response.trailers : undefined,
    last: ends,
  };
}

/** Writes a response of the server's own. */
export function writePlain(
  buffer: WriteBuffer,
  context: ServerContext,
  request: RespondedHead,
  { status, headers, body }: PlainResponse,
  last: boolean,
): void {
  const bytes = byteLength(body);
  const encoder = new ResponseHeadEncoder(status, headers);
  buffer.text(encoder.encode(context.dateLine, contentLengthLine(bytes), connectionLine(last, request)));
  if (request.method !== "HEAD") buffer.content(body, bytes);
}

function writeWithoutContent(
  buffer: WriteBuffer,
  context: ServerContext,
  request: RespondedHead,
  { status, body = null }: OutgoingResponse,
  encoder: ResponseHeadEncoder,
  last: boolean,
): void {
  // RFC 9110 §8.6: a 204 has no Content-Length; a 304 and a response to HEAD have at most that of a 200 to GET. RFC 9110 §15.3.6: a
  // 205 has to say that it has no content.
  let length = encoder.contentLength;
  if (length === null && status !== 304 && body !== null && isWhole(body)) length = byteLength(body);
  if (status === 205) length = 0;
  const framing = length === null || status === 204 ? "" : contentLengthLine(length);
  buffer.text(encoder.encode(dateLine(context, encoder), framing, connectionLine(last, request)));
  cancelUnsentBody(body);
}

function writeWhole(
  buffer: WriteBuffer,
  context: ServerContext,
  request: RespondedHead,
  { status, headers }: OutgoingResponse,
  encoder: ResponseHeadEncoder,
  body: string | Uint8Array,
  last: boolean,
): StreamedResponse | null {
  const bytes = byteLength(body);
  const announced = encoder.contentLength;
  if (announced !== null && announced !== bytes) throw lengthMismatch(announced, bytes);
  const date = dateLine(context, encoder);
  const connection = connectionLine(last, request);
  const head = encoder.encode(date, contentLengthLine(bytes), connection);
  // Its parts are written as the client reads: a client that takes none of a part in time has stopped reading.
  if (bytes > MAX_WRITE_BYTES) {
    return { head, source: oncePiece(body), contentLength: bytes, chunked: false, trailers: undefined, last };
  }
  const isText = typeof body === "string" && bytes === body.length;
  if (isText && !encoder.hasDate) context.responses.keep(status, headers, body, date, connection, head);
  if (isText && bytes <= MAX_APPENDED_BYTES) {
    buffer.text(head + body);
  } else {
    buffer.text(head);
    buffer.content(body, bytes);
  }
  return null;
}

/** What a {@link ResponseSink} reports. */
export interface SinkEvents {
  readonly flushed: () => void;
  /** The whole response has been written to the buffer. */
  readonly ended: () => void;
  readonly failed: (error: unknown) => void;
}

/** Writes the pieces of a streamed response. */
export class ResponseSink implements BodySink {
  readonly #buffer: WriteBuffer;
  readonly #response: StreamedResponse;
  readonly #events: SinkEvents;

  constructor(buffer: WriteBuffer, response: StreamedResponse, events: SinkEvents) {
    this.#buffer = buffer;
    this.#response = response;
    this.#events = events;
  }

  writeHead(): void {
    this.#buffer.text(this.#response.head);
  }

  write(part: string | Uint8Array): void {
    const { chunked } = this.#response;
    if (typeof part === "string") {
      this.#buffer.text(chunked ? chunkText(part) : part);
      return;
    }
    if (chunked) this.#buffer.text(chunkStart(part.length));
    this.#buffer.content(part, part.length);
    if (chunked) this.#buffer.text("\r\n");
  }

  flush(): void {
    this.#buffer.flush();
    this.#events.flushed();
  }

  writable(): Promise<void> | null {
    return this.#buffer.writable();
  }

  end(trailers: HeaderFields | undefined): void {
    if (this.#response.chunked) this.#buffer.text(lastChunk(trailers === undefined ? "" : encodeTrailers(trailers)));
    this.#events.ended();
  }

  failed(error: unknown): void {
    this.#events.failed(error);
  }
}

function encodeTrailers(fields: HeaderFields): string {
  const lines = trailerLines(fields);
  let text = "";
  for (let i = 0; i < lines.length; i += 2) text += trailerLine(lines[i] ?? "", lines[i + 1] ?? "");
  return text;
}

function dateLine(context: ServerContext, encoder: ResponseHeadEncoder): string {
  return encoder.hasDate ? "" : context.dateLine;
}

function connectionLine(last: boolean, request: RespondedHead): string {
  if (last) return "Connection: close\r\n";
  return request.minorVersion === 0 ? "Connection: keep-alive\r\n" : "";
}

function oncePiece(value: string | Uint8Array): BodySource {
  let given = false;
  return {
    next: () => {
      const done = given;
      given = true;
      return Promise.resolve(done ? { done } : { done, value });
    },
    cancel: () => undefined,
  };
}
