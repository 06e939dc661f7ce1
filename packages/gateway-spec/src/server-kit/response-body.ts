/** The body of a response, read the one way that all shapes allow. */
import type { ReadableStreamLike, ResponseBody } from "../index.ts";

/** A response body that comes in pieces. `cancel` never waits: what the body does about it is its own business. */
export interface BodySource {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: Uint8Array | string | undefined }>;
  cancel(reason: unknown): void;
}

/** Whether a body is at hand as a whole. Tested first, for strings and byte arrays are iterable too (TSGI-21). */
export function isWhole(body: ResponseBody): body is string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array;
}

/**
 * Methods and status codes whose responses have no content: they end at the empty line, whatever their fields say (RFC 9112 §6.3,
 * items 1 and 2), all but 205, which has to say so (RFC 9110 §15.3.6).
 */
export function hasNoContent(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 205 || status === 304 || status === 101;
}

/**
 * Opens a body that comes in pieces.
 * @throws TypeError where it is no body: a synchronous iterable, say.
 */
export function openBody(body: AsyncIterable<Uint8Array | string> | ReadableStreamLike): BodySource {
  // A ReadableStream is read by its reader: cancel() reaches a source that is waiting, an iterator's return() queues behind it.
  if (isReadableStream(body)) {
    const reader = body.getReader();
    return { next: () => reader.read(), cancel: (reason) => settle(() => reader.cancel(reason)) };
  }
  if (!isAsyncIterable(body))
    throw new TypeError("A response body must be a string, bytes, an async iterable or a stream");
  const iterator = body[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    cancel: () => settle(() => iterator.return?.()),
  };
}

/** Drops a body that will not be sent, and tells its source (TSGI-40). Whole bodies have nothing to release. */
export function cancelBody(body: ResponseBody | null | undefined, reason: unknown): void {
  if (body === null || body === undefined || isWhole(body)) return;
  settle(() => {
    openBody(body).cancel(reason);
  });
}

function isReadableStream(body: object): body is ReadableStreamLike {
  return "getReader" in body && typeof body.getReader === "function";
}

function isAsyncIterable(body: object): body is AsyncIterable<Uint8Array | string> {
  return Symbol.asyncIterator in body;
}

/** Runs a clean-up whose failure has no one left to hear it. */
function settle(cleanUp: () => unknown): void {
  try {
    Promise.resolve(cleanUp()).catch(() => undefined);
  } catch {
    // Locked streams and throwing return() methods end here.
  }
}
