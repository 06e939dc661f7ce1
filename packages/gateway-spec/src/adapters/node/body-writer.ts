/** A response that comes in pieces, on its way to node's response: in order, and no faster than the client takes them. */
import type { ServerResponse } from "node:http";
import type { BodySource } from "../../server-kit/response-body.ts";
import { isAscii, writeHead, type ResponseHead } from "./response-head.ts";

/** Longest piece handed to node at once, in bytes: a reader that takes none of it for long is silent. */
export const MAX_WRITE_BYTES: number = 128 * 1024;

export class PieceSender {
  /** Whether the client has to take what was written first. */
  waitsForReader = false;
  readonly #res: ServerResponse;
  /** `null` once there is nothing more to ask of it. */
  #source: BodySource | null;
  readonly #head: ResponseHead;
  readonly #ascii: boolean;
  #committed = false;
  #stopped = false;

  constructor(res: ServerResponse, source: BodySource, head: ResponseHead) {
    this.#res = res;
    this.#source = source;
    this.#head = head;
    this.#ascii = isAscii(head);
  }

  /** Nothing more is sent; the source hears of it, once. */
  stop(reason: unknown): void {
    this.#stopped = true;
    this.#source?.cancel(reason);
    this.#source = null;
  }

  /**
   * Sends all pieces. The head waits one turn for the first of them, to go out with it; an error that comes before is then still a
   * clean 500.
   * @param failed hears of a head that could not be put on the response when its turn was over: others may write to it too.
   * @returns whether all was sent, but perhaps for the head; it was not where it was stopped.
   * @throws what the source threw; TypeError where the pieces are not what the head announces.
   */
  async send(failed: (error: unknown) => void): Promise<boolean> {
    const source = this.#source;
    if (source === null) return false;
    setImmediate(() => {
      if (this.#committed || this.#isStopped()) return;
      try {
        this.commit();
        if (this.#ascii) this.#res.flushHeaders();
        else this.#res.write("", "latin1");
      } catch (error) {
        failed(error);
      }
    });
    const { contentLength } = this.#head;
    let left = contentLength === -1 ? Number.POSITIVE_INFINITY : contentLength;
    for (;;) {
      const { done, value } = await source.next();
      if (this.#isStopped()) return false;
      if (done === true) break;
      const piece = toPiece(value);
      if (piece.length === 0) continue;
      left -= typeof piece === "string" ? Buffer.byteLength(piece) : piece.byteLength;
      if (left < 0) throw new TypeError("The response body is longer than its Content-Length");
      this.commit();
      if (piece.length > MAX_WRITE_BYTES) await this.#writeLong(piece);
      else if (!this.#res.write(this.#encoded(piece))) await this.#readerReady();
      if (this.#isStopped()) return false;
    }
    this.#source = null;
    if (left > 0 && contentLength !== -1) throw new TypeError("The response body is shorter than its Content-Length");
    return true;
  }

  /** Puts the head on the response, unless it is there. */
  commit(): void {
    if (this.#committed) return;
    this.#committed = true;
    writeHead(this.#res, this.#head);
  }

  async #writeLong(piece: string | Uint8Array): Promise<void> {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    for (let from = 0; from < bytes.byteLength && !this.#isStopped(); from += MAX_WRITE_BYTES) {
      if (!this.#res.write(bytes.subarray(from, from + MAX_WRITE_BYTES))) await this.#readerReady();
    }
  }

  /** Node would write a head in the encoding of the string that it leaves with. */
  #encoded(piece: string | Uint8Array): string | Uint8Array {
    return this.#ascii || typeof piece !== "string" ? piece : Buffer.from(piece);
  }

  /** Fulfils when the client has taken what was written, or will not. */
  async #readerReady(): Promise<void> {
    const res = this.#res;
    this.waitsForReader = true;
    await new Promise<void>((resolve) => {
      const ready = () => {
        res.off("drain", ready).off("close", ready);
        resolve();
      };
      res.on("drain", ready).on("close", ready);
      if (this.#isStopped()) ready();
    });
    this.waitsForReader = false;
  }

  /** It may change while something is awaited, which a field's type would not show. */
  #isStopped(): boolean {
    return this.#stopped;
  }
}

function toPiece(value: unknown): string | Uint8Array {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  throw new TypeError(`A body gives strings and bytes, not ${value === null ? "null" : typeof value}`);
}
