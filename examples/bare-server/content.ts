/** The content of a request: read piece by piece, or read away. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { exchangeError } from "@tsgi/gateway-spec/server-kit";

/** Unread content that is read away so that the connection can go on, in bytes. */
const MAX_DRAIN_BYTES = 64 * 1024;

export function hasContent({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/**
 * Refuses what node announces as a request though it is none: one without a version or without Host, and framings of smugglers
 * (RFC 9112 §3.2 and §6.3, items 3 and 4). What came behind it is not answered.
 */
export function isRefused(req: IncomingMessage, res: ServerResponse): boolean {
  const { headers, httpVersion, socket } = req;
  const coding = headers["transfer-encoding"]?.toLowerCase();
  const isSmuggled = coding !== undefined && (coding !== "chunked" || headers["content-length"] !== undefined);
  const isWhole = httpVersion === "1.0" || (httpVersion === "1.1" && headers.host !== undefined);
  if (socket.writable && isWhole && !isSmuggled) return false;
  res.writeHead(400, { connection: "close" }).end();
  socket.destroySoon();
  return true;
}

/**
 * A client that falls silent, or leaves, ends the content by an error, never as though it were complete.
 * @param onPull called at the first pull.
 */
export async function* readContent(
  req: IncomingMessage,
  silenceMs: number,
  onPull: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  onPull();
  const pieces = req.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>;
  for (;;) {
    const silence = Promise.withResolvers<"silence">();
    const timer = setTimeout(silence.resolve, silenceMs, "silence");
    try {
      const next = await Promise.race([pieces.next(), silence.promise]);
      if (next === "silence") throw exchangeError("REQUEST_BODY_TIMEOUT", "The content did not come in time");
      if (next.done === true) return;
      yield next.value;
    } catch (error) {
      if (error instanceof Error && error.name === "ExchangeError") throw error;
      throw exchangeError("CLIENT_DISCONNECTED", "The client went away before the end of its content", error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What the application left unread would be taken for the next request; beyond the limit the connection is closed. */
export function drainContent(req: IncomingMessage): void {
  let left = MAX_DRAIN_BYTES;
  req.on("data", ({ byteLength }: Buffer) => {
    left -= byteLength;
    if (left < 0) req.socket.destroy();
  });
}
