/** What an exchange does to node's response and its connection beside writing it: the same for HTTP/1.1 and HTTP/2. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { HeaderFields } from "../../index.ts";
import { toInformational, toRecord, toTrailers } from "./response-head.ts";

/** How long a client may go on sending after a response that closes its connection, before the socket is destroyed. */
const LINGER_MS = 2000;

/**
 * Written by hand: node has a method for three of these codes only, and its one for 103 refuses a head without `Link`.
 * @throws TypeError where status or fields may not be sent.
 */
export function sendInformational(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  status: number,
  headers: HeaderFields = {},
): void {
  if (!Number.isInteger(status) || status < 102 || status > 199) {
    throw new TypeError(`An informational response's status must be from 102 to 199, not ${String(status)}`);
  }
  const lines = toInformational(headers);
  if (res.headersSent || res.destroyed) return;
  if (req.httpVersionMajor === 2) {
    const { stream } = res as unknown as { readonly stream: { additionalHeaders(fields: object): void } };
    stream.additionalHeaders({ ":status": status, ...toRecord(lines) });
    return;
  }
  let head = `HTTP/1.1 ${status} ${status === 103 ? "Early Hints" : ""}\r\n`;
  for (let i = 0; i < lines.length; i += 2) head += `${lines[i]}: ${lines[i + 1]}\r\n`;
  // A pipelined response that is not yet at its turn has no socket; hints may be left out.
  res.socket?.write(`${head}\r\n`, "latin1");
}

/** Codes of RFC 9113 §7. */
export const NO_ERROR = 0;
const INTERNAL_ERROR = 2;

/** The part of node's `ServerHttp2Stream` that is needed here. */
export interface StreamLike {
  readonly rstCode: number;
  close(code: number): void;
}

/** What http2's compatibility response stands on. */
export function streamOf(res: ServerResponse): StreamLike | null {
  return (res as { readonly stream?: StreamLike }).stream ?? null;
}

/**
 * Whether the response has left in full. Of HTTP/2, node finishes a response also where nobody ended it: one to HEAD from the
 * start, and every one whose stream was reset.
 */
export function isSent(res: ServerResponse): boolean {
  if (!res.writableFinished) return false;
  const stream = streamOf(res);
  return stream === null || (res.writableEnded && stream.rstCode === NO_ERROR);
}

/** @throws TypeError for a field that may not stand in a trailer section. */
export function addTrailers(res: ServerResponse, fields: HeaderFields): void {
  const lines = toTrailers(fields);
  const pairs: [string, string][] = [];
  for (let i = 0; i < lines.length; i += 2) pairs.push([lines[i] ?? "", lines[i + 1] ?? ""]);
  // Of HTTP/2 it takes a record, of arrays too; node's types do not know.
  res.addTrailers(streamOf(res) === null ? pairs : (toRecord(lines) as object as NodeJS.Dict<string>));
}

/** Cuts the connection, or the stream of HTTP/2, so that the client can see it. */
export function destroy(res: ServerResponse): void {
  // Destroying http2's compatibility response would end its stream in good order: a truncated body must not look complete.
  const stream = streamOf(res);
  if (stream !== null) {
    stream.close(INTERNAL_ERROR);
    return;
  }
  try {
    // A reset, for a body that ends with the connection would look complete after a plain end.
    res.socket?.resetAndDestroy();
  } catch {
    // Nothing but TCP has a reset: TLS tells a cut by itself, a Unix domain socket cannot.
  }
  res.destroy();
}

/** Closes our half, and goes on reading for a while: a reset would take the response out of the client's hands. */
export function linger(socket: Socket): void {
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => {
    clearTimeout(timer);
  });
}
