/** An incoming request as a web `Request`. */
import type { IncomingRequest } from "../../index.ts";

/** The class before {@link file://./lazy-request.ts} may have put a proxy in front of it. */
export const GenuineRequest: typeof Request = globalThis.Request;

/** Fetch §4.6: "a forbidden method is a method that is a byte-case-insensitive match for `CONNECT`, `TRACE`, or `TRACK`". */
const FORBIDDEN_METHOD = /^(?:connect|trace|track)$/i;

/** Whether a `Request` of this method can be made. */
export function isForbiddenMethod(method: string): boolean {
  return FORBIDDEN_METHOD.test(method);
}

/**
 * A `Request` made at once. One that is a web `Request` already is returned as it is.
 * @param headers copied. Default: the fields of the request.
 */
export function toWebRequest(incoming: IncomingRequest, headers?: Headers): Request {
  if (incoming instanceof GenuineRequest) return incoming;
  const { method, url, body, signal } = incoming;
  // A Request cannot have content with these methods, although HTTP permits it.
  const hasBody = body !== null && method !== "GET" && method !== "HEAD";
  return new GenuineRequest(url, {
    method,
    headers: headers ?? [...incoming.headers],
    signal,
    ...(hasBody ? { body: toStream(body), duplex: "half" } : {}),
  });
}

/** A stream that pulls when it is read, and not earlier, because the first pull sends 100 Continue (TSGI-10). */
function toStream(body: AsyncIterable<Uint8Array>): ReadableStream {
  if (body instanceof ReadableStream) return body;
  const iterator = body[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const piece: IteratorResult<Uint8Array, unknown> = await iterator.next();
        if (piece.done === true) controller.close();
        else controller.enqueue(piece.value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
