/** How a response goes out on a connection: as a whole, or piece by piece, no faster than the client reads. */
import type { HeaderFields, OutgoingResponse } from "@tsgi/gateway-spec";
import {
  type BodySource,
  cancelBody,
  eachField,
  hasNoContent,
  isWhole,
  openBody,
  type PlainResponse,
} from "@tsgi/gateway-spec/server-kit";
import {
  chunkStart,
  contentLengthLine,
  trailerLine,
  lastChunk,
  ResponseError,
  ResponseHeadEncoder,
  type RequestHead,
} from "../http1/index.ts";
import type { ServerContext } from "./context.ts";
import type { Sending, SocketExchange } from "./exchange.ts";
import type { Outbox } from "./outbox.ts";

/** Longest piece handed to the socket at once, in bytes: a reader that does not take one within `sendTimeoutMs` is silent. */
const MAX_WRITE_BYTES = 128 * 1024;

/** How the pieces of a response are told apart: by their sum, by chunks, or by the connection's end (RFC 9112 §6.3). */
type Framing = { readonly length: number } | "chunked" | "close";

/** What the form of an answer depends on. */
type AnsweredHead = Pick<RequestHead, "method" | "minorVersion">;

/** The connection, as far as a response has to do with it. */
export interface ResponseSink {
  readonly context: ServerContext;
  readonly outbox: Outbox;
  /** Whether the connection ends with this response. */
  isLast(exchange: SocketExchange): boolean;
  /** The response is complete, but for what the outbox still holds. */
  sent(exchange: SocketExchange, last: boolean): void;
  failed(exchange: SocketExchange, error: unknown): void;
  /** Gives the socket what the outbox holds. */
  flush(): void;
  /** Goes on with what was read meanwhile. */
  pump(): void;
}

/** Begins a response: one that is at hand is written as a whole. @throws ResponseError before anything of it is. */
export function sendResponse(sink: ResponseSink, exchange: SocketExchange, response: OutgoingResponse): void {
  const { status, headers } = response;
  const body = response.body ?? null;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new ResponseError("BAD_STATUS", `A final status must be an integer from 200 to 599, not ${String(status)}`);
  }
  const { dateLine, responses } = sink.context;
  const { head } = exchange;
  const last = sink.isLast(exchange);
  if (typeof body === "string" && head.method !== "HEAD") {
    const known = responses.find(status, headers, body, dateLine, connectionLine(last, head));
    if (known !== null) {
      sink.outbox.text(known);
      sink.sent(exchange, last);
      return;
    }
  }
  const writer = new ResponseHeadEncoder(status, headers);
  const said = writer.contentLength;
  const date = writer.hasDate ? "" : dateLine;

  if (hasNoContent(head.method, status)) {
    // RFC 9110 §8.6: none in a 204; in a 304 or an answer to HEAD only what a 200 to GET would have said. RFC 9110 §15.3.6 leaves a
    // 205 the choice of how it says that it has none.
    const length = said === null && status !== 304 && body !== null && isWhole(body) ? byteLength(body) : said;
    const framing =
      status === 205 ? contentLengthLine(0) : length === null || status === 204 ? "" : contentLengthLine(length);
    sink.outbox.text(writer.encode(date, framing, connectionLine(last, head)));
    cancelBody(body, new ResponseError("BAD_BODY", "This response has no content"));
    sink.sent(exchange, last);
  } else if (body === null || isWhole(body)) {
    sendWhole(sink, exchange, response, writer, body ?? "", last);
  } else {
    const framing: Framing = said !== null ? { length: said } : head.minorVersion === 1 ? "chunked" : "close";
    const framingLine =
      framing === "chunked"
        ? "Transfer-Encoding: chunked\r\n"
        : framing === "close"
          ? ""
          : contentLengthLine(framing.length);
    const ends = last || framing === "close";
    const text = writer.encode(date, framingLine, connectionLine(ends, head));
    void sendPieces(sink, exchange, text, openBody(body), framing, ends, response.trailers);
  }
}

function sendWhole(
  sink: ResponseSink,
  exchange: SocketExchange,
  { status, headers }: OutgoingResponse,
  writer: ResponseHeadEncoder,
  body: string | Uint8Array,
  last: boolean,
): void {
  const { outbox } = sink;
  const date = writer.hasDate ? "" : sink.context.dateLine;
  const connection = connectionLine(last, exchange.head);
  const length = byteLength(body);
  if (writer.contentLength !== null && writer.contentLength !== length)
    throw lengthMismatch(writer.contentLength, length);
  const head = writer.encode(date, contentLengthLine(length), connection);
  if (length > MAX_WRITE_BYTES) {
    void sendPieces(sink, exchange, head, openBody(once(body)), { length }, last, undefined);
    return;
  }
  if (typeof body === "string" && length === body.length) {
    const text = head + body;
    if (!writer.hasDate) sink.context.responses.keep(status, headers, body, date, connection, text);
    outbox.text(text);
  } else {
    outbox.text(head);
    if (typeof body === "string") outbox.unicode(body);
    else outbox.bytes(body);
  }
  sink.sent(exchange, last);
}

/** A response of the server's own. */
export function sendPlain(sink: ResponseSink, response: PlainResponse, head: AnsweredHead, last: boolean): void {
  const { dateLine } = sink.context;
  const encoder = new ResponseHeadEncoder(response.status, response.headers);
  const length = contentLengthLine(Buffer.byteLength(response.body));
  sink.outbox.text(encoder.encode(dateLine, length, connectionLine(last, head)));
  if (head.method !== "HEAD") sink.outbox.text(response.body);
}

/** Sends a body piece by piece, no faster than the client reads. */
async function sendPieces(
  sink: ResponseSink,
  exchange: SocketExchange,
  head: string,
  source: BodySource,
  framing: Framing,
  last: boolean,
  trailers: OutgoingResponse["trailers"],
): Promise<void> {
  const sending: Sending = { head, source };
  exchange.sending = sending;
  const commitHead = () => {
    if (sending.head === null || !exchange.running) return;
    sink.outbox.text(sending.head);
    sending.head = null;
  };
  // The head waits one turn for the first piece, to go out with it; an error that comes before is then still a clean 500.
  setImmediate(() => {
    commitHead();
    sink.flush();
  });
  let sent = 0;
  try {
    for (;;) {
      const { done, value } = await source.next();
      if (!exchange.running) return;
      if (done === true) break;
      const bytes = toBytes(value);
      if (bytes.byteLength === 0) continue;
      sent += bytes.byteLength;
      if (typeof framing === "object" && sent > framing.length) throw lengthMismatch(framing.length, sent);
      commitHead();
      if (framing === "chunked") sink.outbox.text(chunkStart(bytes.byteLength));
      for (let from = 0; from < bytes.byteLength; from += MAX_WRITE_BYTES) {
        const to = from + MAX_WRITE_BYTES;
        sink.outbox.bytes(bytes.subarray(from, to));
        if (framing === "chunked" && to >= bytes.byteLength) sink.outbox.text("\r\n");
        sink.flush();
        if (!sink.outbox.blocked) continue;
        await sink.outbox.writable();
        if (!exchange.running) return;
      }
    }
    sending.source = null;
    if (typeof framing === "object" && sent < framing.length) throw lengthMismatch(framing.length, sent);
    const lines = framing === "chunked" && trailers !== undefined ? trailerLines(await trailers()) : "";
    if (!exchange.running) return;
    commitHead();
    if (framing === "chunked") sink.outbox.text(lastChunk(lines));
    sink.sent(exchange, last);
  } catch (error) {
    sink.failed(exchange, error);
  }
  sink.pump();
}

function connectionLine(last: boolean, head: AnsweredHead): string {
  if (last) return "Connection: close\r\n";
  return head.minorVersion === 0 ? "Connection: keep-alive\r\n" : "";
}

/** Of a string as UTF-8. A short one of ASCII is counted here, for the way to native code costs more than the count. */
function byteLength(body: string | Uint8Array): number {
  if (typeof body !== "string") return body.byteLength;
  const { length } = body;
  if (length > 64) return Buffer.byteLength(body);
  for (let i = 0; i < length; i++) if (body.charCodeAt(i) > 127) return Buffer.byteLength(body);
  return length;
}

function toBytes(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === "string") return Buffer.from(piece);
  throw new ResponseError("BAD_BODY", `A body gives strings and bytes, not ${piece === null ? "null" : typeof piece}`);
}

// oxlint-disable-next-line require-await -- a body in pieces is asynchronous
async function* once<T>(piece: T): AsyncGenerator<T> {
  yield piece;
}

function trailerLines(fields: HeaderFields): string {
  let lines = "";
  eachField(fields, (name, value) => {
    lines += trailerLine(name, value);
  });
  return lines;
}

function lengthMismatch(said: number, given: number): ResponseError {
  return new ResponseError("LENGTH_MISMATCH", `Content-Length says ${said}, the body has ${given} bytes`);
}
