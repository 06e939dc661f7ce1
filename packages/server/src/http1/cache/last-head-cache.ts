/**
 * The last head of one connection. Clients behind a proxy, pollers and load generators send the same head again and again; its very
 * bytes mean what they meant before.
 *
 * Measured (CPU per request of the socket server, paired runs): 27% less on json and a third less on pipelined requests, whose heads
 * repeat; nothing on heads that differ each time.
 */
import type { HeadLookup } from "../parser.ts";
import type { RequestHead } from "../request-head.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/** Up to so many bytes a loop is faster than the way to the native comparison. */
const MAX_LOOP_BYTES = 256;

export class LastHeadCache implements HeadLookup {
  #head: RequestHead | null = null;
  /** Where its bytes stand: making a view on them costs a sixth of reading a small head. */
  #chunk: Buffer = EMPTY;
  #from = 0;
  length = 0;

  find(chunk: Buffer, offset: number): RequestHead | null {
    return this.#head !== null && chunk.length - offset >= this.length && this.#equals(chunk, offset)
      ? this.#head
      : null;
  }

  keep(head: RequestHead, chunk: Buffer, from: number, to: number): void {
    this.#head = head;
    this.#chunk = chunk;
    this.#from = from;
    this.length = to - from;
  }

  clear(): void {
    this.#head = null;
    this.#chunk = EMPTY;
  }

  #equals(chunk: Buffer, offset: number): boolean {
    const known = this.#chunk;
    const from = this.#from;
    const { length } = this;
    if (length > MAX_LOOP_BYTES) return known.compare(chunk, offset, offset + length, from, from + length) === 0;
    for (let i = 0; i < length; i++) if (chunk[offset + i] !== known[from + i]) return false;
    return true;
  }
}
