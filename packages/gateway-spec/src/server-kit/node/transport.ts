/** The stream or connection beneath node's `(req, res)`: one interface for HTTP/1.1 and HTTP/2. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { HeaderFields } from "../../index.ts";
import { informationalLines, trailerLines } from "../fields.ts";
import { checkInformationalStatus } from "../handler-result.ts";

/** How long a client may be silent after a response that closes its connection, before the socket is destroyed. */
const LINGER_MS = 2000;

/** How often it may have sent something in this time: at most half a minute in all. */
const MAX_LINGER_TIMES = 15;

/** Error codes of RFC 9113 §7. */
export const NO_ERROR = 0;
const INTERNAL_ERROR = 2;

/** The stream beneath the compatibility objects of node:http2; `null` for those of node:http. */
export function streamOf(message: IncomingMessage | ServerResponse): ServerHttp2Stream | null {
  return (message as { readonly stream?: ServerHttp2Stream }).stream ?? null;
}

/** Whether the client, or the stream, is gone. It says nothing about whether the response was sent before. */
export function isGone(req: IncomingMessage, res: ServerResponse): boolean {
  const stream = streamOf(res);
  return stream === null ? res.destroyed || req.socket.destroyed : stream.destroyed || stream.closed;
}

/**
 * Whether the response was sent in full. The compatibility layer of node:http2 also finishes a response that was not ended: one to
 * HEAD as soon as it starts, and one whose stream was reset.
 */
export function isSent(res: ServerResponse): boolean {
  if (!res.writableFinished) return false;
  const stream = streamOf(res);
  return stream === null || (res.writableEnded && stream.rstCode === NO_ERROR);
}

/**
 * Written by hand: node:http has methods for three codes only, and the one for 103 refuses a head without `Link`.
 * @throws TypeError for a status or a field that may not be sent.
 */
export function sendInformational(res: ServerResponse, status: number, headers: HeaderFields | undefined): void {
  checkInformationalStatus(status);
  const lines = informationalLines(headers);
  if (res.headersSent || isGone(res.req, res)) return;
  const stream = streamOf(res);
  if (stream !== null) {
    stream.additionalHeaders({ ":status": status, ...toRecord(lines) });
    return;
  }
  let head = `HTTP/1.1 ${status} ${status === 103 ? "Early Hints" : ""}\r\n`;
  for (let i = 0; i < lines.length; i += 2) head += `${lines[i]}: ${lines[i + 1]}\r\n`;
  // A pipelined response has no socket before its turn. An informational response may be left out.
  res.socket?.write(`${head}\r\n`, "latin1");
}

/** @throws TypeError for a field that may not stand in a trailer section. */
export function addTrailers(res: ServerResponse, fields: HeaderFields): void {
  const lines = trailerLines(fields);
  if (streamOf(res) !== null) {
    // node:http2 takes a record whose values may be arrays; node's types do not say so.
    res.addTrailers(toRecord(lines) as object as NodeJS.Dict<string>);
    return;
  }
  const pairs: [string, string][] = [];
  for (let i = 0; i < lines.length; i += 2) pairs.push([lines[i] ?? "", lines[i + 1] ?? ""]);
  res.addTrailers(pairs);
}

/** Field lines as node:http2 takes them. Its older versions keep only the last of several lines of one name. */
export function toRecord(lines: readonly string[]): Record<string, string | string[]> {
  // Without a prototype, so that `constructor` and `__proto__` are names like any other.
  const record = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i < lines.length; i += 2) {
    const name = (lines[i] ?? "").toLowerCase();
    const value = lines[i + 1] ?? "";
    const earlier = record[name];
    if (earlier === undefined) record[name] = value;
    else if (typeof earlier === "string") record[name] = [earlier, value];
    else earlier.push(value);
  }
  return record;
}

/** Ends the connection, or the stream of HTTP/2, so that the client sees a truncated response. */
export function terminate(res: ServerResponse): void {
  // To destroy the compatibility response of node:http2 would end its stream without an error code.
  const stream = streamOf(res);
  if (stream !== null) {
    // Bun's close() ends the stream as if the response were complete; its destroy() resets it with INTERNAL_ERROR.
    if ("bun" in process.versions) stream.on("error", () => undefined).destroy(new Error("the response is truncated"));
    else stream.close(INTERNAL_ERROR);
    return;
  }
  try {
    // A response that ends with the connection would look complete after a FIN.
    res.socket?.resetAndDestroy();
  } catch {
    // Only TCP has a reset. TLS detects a truncation by itself, a Unix domain socket cannot.
  }
  res.destroy();
}

/** Closes the sending side and reads on for a while: a reset could make the client lose the response (RFC 9112 §9.6). */
export function linger(socket: Socket): void {
  socket.end();
  let bytesSeen = socket.bytesRead;
  let times = 0;
  const check = () => {
    times++;
    if (socket.bytesRead === bytesSeen || times > MAX_LINGER_TIMES) socket.destroy();
    bytesSeen = socket.bytesRead;
  };
  // After the poll for I/O: bytes may have arrived while the event loop was blocked.
  const timer = setInterval(() => setImmediate(check), LINGER_MS).unref();
  socket.once("close", () => {
    clearInterval(timer);
  });
}
