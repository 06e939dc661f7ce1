/** The iterable that an application returned, as a body that a server pulls. */
import { toBytes } from "./application.ts";
import type { WsgiResponse } from "./types.ts";

/**
 * It pulls on demand, ends at the Content-Length, and closes the iterable once. It is not a generator: `return()` of a generator that
 * was not started does not run its `finally` block, so the iterable would stay open.
 */
export class WsgiBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #response: WsgiResponse;
  readonly #iterator: Iterator<unknown, unknown>;
  /** What `write` was given, and a piece that was pulled early. */
  readonly #queue: Uint8Array[];
  #bytesLeft = Number.POSITIVE_INFINITY;
  #exhausted = false;
  #closed = false;

  constructor(response: WsgiResponse, written: Uint8Array[]) {
    this.#response = response;
    this.#iterator = response[Symbol.iterator]();
    this.#queue = written;
  }

  /** Pulls until there is a piece to send. @returns whether there is one. */
  hasPiece(): boolean {
    while (this.#queue.length === 0 && !this.#exhausted) {
      const step = this.#iterator.next();
      if (step.done === true) this.#exhausted = true;
      else {
        const bytes = toBytes(step.value);
        if (bytes.byteLength > 0) this.#queue.push(bytes);
      }
    }
    return this.#queue.length > 0;
  }

  /** PEP 3333: "it should not transmit more bytes to the client than the header allows". */
  limitTo(contentLength: number): void {
    this.#bytesLeft = contentLength;
  }

  /** The whole body of a list, which a server can send with its length; `null` for any other iterable. */
  whole(): Uint8Array | null {
    if (!Array.isArray(this.#response)) return null;
    const pieces: Uint8Array[] = [];
    for (let piece = this.#take(); piece !== null; piece = this.#take()) pieces.push(piece);
    this.close();
    return Buffer.concat(pieces);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const value = this.#take();
      if (value !== null) return { done: false, value };
    } catch (error) {
      this.close();
      throw error;
    }
    this.close();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (!this.#exhausted) this.#iterator.return?.();
    } finally {
      this.#response.close?.();
    }
  }

  #take(): Uint8Array | null {
    if (this.#bytesLeft === 0 || !this.hasPiece()) return null;
    const piece = this.#queue.shift()?.subarray(0, this.#bytesLeft) ?? null;
    this.#bytesLeft -= piece?.byteLength ?? 0;
    return piece;
  }
}
