/** The body of a response: one way to read all of its shapes, and one to release it (TSGI-21, 22, 24, 40). */
import type { OutgoingResponse, ReadableStreamLike, ResponseBody } from "../index.ts";
import { describe } from "./handler-result.ts";

/** A response body that comes in pieces. */
export interface BodySource {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: Uint8Array | string | undefined }>;
  /** Releases the body. It does not wait, and an error of the release is dropped: the response is over. */
  cancel(reason: unknown): void;
}

/** The part of node's `Readable` that releases it. */
interface NodeStream extends AsyncIterable<Uint8Array | string> {
  destroy(): unknown;
  on(event: "error", listener: () => void): unknown;
}

/** Whether a body is at hand as a whole. Tested first, for strings and byte arrays are iterable too (TSGI-21). */
export function isWhole(body: ResponseBody): body is string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array;
}

/**
 * Methods and status codes whose responses have no content: they end at the empty line, whatever their fields say (RFC 9112 §6.3,
 * items 1 and 2), except for 205, which has to say so (RFC 9110 §15.3.6).
 */
export function hasNoContent(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 205 || status === 304 || status === 101;
}

/** Bytes of a whole body; a string is sent as UTF-8. */
export function byteLength(body: string | Uint8Array): number {
  if (typeof body !== "string") return body.byteLength;
  // A short one of ASCII is counted here: the call into native code costs more than the count.
  const { length } = body;
  if (length > 64) return Buffer.byteLength(body);
  for (let i = 0; i < length; i++) if (body.charCodeAt(i) > 127) return Buffer.byteLength(body);
  return length;
}

/**
 * Opens a body that comes in pieces.
 * @throws TypeError for what is no body, such as a synchronous iterable.
 */
export function openBody(body: Exclude<ResponseBody, string | Uint8Array>): BodySource {
  // By its reader: cancel() reaches a stream that is waiting, return() of its iterator waits behind the pending next().
  if (isReadableStream(body)) {
    const reader = body.getReader();
    return { next: () => reader.read(), cancel: (reason) => settle(() => reader.cancel(reason)) };
  }
  if (!isAsyncIterable(body)) {
    throw new TypeError(
      `The body of a response must be a string, bytes, an async iterable or a stream, not ${describe(body)}`,
    );
  }
  const iterator = body[Symbol.asyncIterator]();
  if (isNodeStream(body)) {
    // What it emits outside of a pull has no other listener, and would end the process.
    body.on("error", () => undefined);
    // return() of an iterator that was never pulled leaves the stream open; of one that waits, it waits too.
    return { next: () => iterator.next(), cancel: () => settle(() => body.destroy()) };
  }
  return { next: () => iterator.next(), cancel: () => settle(() => iterator.return?.()) };
}

/** Releases a body that is not sent (TSGI-40). Whole bodies have nothing to release. */
export function cancelBody(body: ResponseBody | null | undefined, reason: unknown): void {
  if (body === null || body === undefined || isWhole(body)) return;
  settle(() => {
    openBody(body).cancel(reason);
  });
}

/** Releases the body of whatever a handler gave: it need not be a response. */
export function cancelResponse(response: unknown, reason: unknown): void {
  settle(() => {
    cancelBody((response as OutgoingResponse | null | undefined)?.body, reason);
  });
}

/** Releases the body of a response without content. The error is created where there is something to release: it takes 5 µs. */
export function cancelUnsentBody(body: ResponseBody | null | undefined): void {
  if (body !== null && body !== undefined && !isWhole(body)) cancelBody(body, noContent());
}

/** The reason for which the body of a response without content is released. */
export function noContent(): Error {
  return new Error("This response has no content");
}

/** Checks the pieces of a body, and their sum against the length that the head announces (TSGI-20, TSGI-22). */
export class ContentCheck {
  readonly #announced: number;
  #given = 0;

  /** @param announced -1 where the head announces no length. */
  constructor(announced: number) {
    this.#announced = announced;
  }

  /** @throws TypeError for what is neither a string nor bytes, and beyond the announced length. */
  piece(piece: unknown): asserts piece is string | Uint8Array {
    if (typeof piece !== "string" && !(piece instanceof Uint8Array)) {
      throw new TypeError(`The body of a response gives strings and bytes, not ${describe(piece)}`);
    }
    if (this.#announced === -1) return;
    this.#given += byteLength(piece);
    if (this.#given > this.#announced) throw lengthMismatch(this.#announced, this.#given);
  }

  /** @throws TypeError where the body ended before the announced length. */
  end(): void {
    if (this.#announced !== -1 && this.#given < this.#announced) throw lengthMismatch(this.#announced, this.#given);
  }
}

/** A whole body, or the sum of all pieces, differs from the Content-Length of the response (TSGI-20). */
export function lengthMismatch(announced: number, given: number): TypeError {
  return new TypeError(`The response announces ${announced} bytes of content, and its body has ${given}`);
}

function isReadableStream(body: unknown): body is ReadableStreamLike {
  return typeof body === "object" && body !== null && "getReader" in body && typeof body.getReader === "function";
}

function isAsyncIterable(body: unknown): body is AsyncIterable<Uint8Array | string> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

function isNodeStream(body: AsyncIterable<Uint8Array | string>): body is NodeStream {
  return "destroy" in body && typeof body.destroy === "function" && "on" in body && typeof body.on === "function";
}

/** Runs a release and drops its failure, for the response is over. */
function settle(release: () => unknown): void {
  try {
    Promise.resolve(release()).catch(() => undefined);
  } catch {
    // Locked streams and throwing return() methods end here.
  }
}
