/** A response body that comes in pieces, on its way to node's response: in order, and no faster than the client takes them. */
import type { ServerResponse } from "node:http";
import { isWhole, type BodySource } from "../response.ts";
import { isAscii, type ResponseHead } from "./node-response.ts";

export class PieceSender {
  /** Whether the client has to take what was written first. */
  waitsForReader = false;
  readonly #res: ServerResponse;
  /** `null` once there is nothing more to ask of it. */
  #source: BodySource | null;
  #stopped = false;

  constructor(res: ServerResponse, source: BodySource) {
    this.#res = res;
    this.#source = source;
  }

  /** Nothing more is sent; the source hears of it, once. */
  stop(reason: unknown): void {
    this.#stopped = true;
    this.#source?.cancel(reason);
    this.#source = null;
  }

  /**
   * @param head the one that was put on the response.
   * @returns whether all of it was sent; it was not where it was stopped.
   * @throws what the source threw; TypeError where the pieces are not what the head announces.
   */
  async send(head: ResponseHead): Promise<boolean> {
    const source = this.#source;
    if (source === null) return false;
    const res = this.#res;
    const { contentLength } = head;
    const ascii = isAscii(head);
    let left = contentLength === -1 ? Number.POSITIVE_INFINITY : contentLength;
    // The head need not wait for the first piece, but leaves with it where it is at hand.
    let waits = true;
    setImmediate(() => {
      if (!waits || this.#isStopped()) return;
      if (ascii) res.flushHeaders();
      else res.write("", "latin1");
    });
    for (;;) {
      const { done, value } = await source.next();
      waits = false;
      if (this.#isStopped()) return false;
      if (done === true) break;
      if (value === undefined || value.length === 0) continue;
      if (!isWhole(value)) {
        throw new TypeError(`A piece of a response body must be a string or bytes, not ${typeof value}`);
      }
      left -= typeof value === "string" ? Buffer.byteLength(value) : value.byteLength;
      if (left < 0) throw new TypeError("The response body is longer than its Content-Length");
      if (!res.write(ascii || typeof value !== "string" ? value : Buffer.from(value))) await this.#readerReady();
      if (this.#isStopped()) return false;
    }
    this.#source = null;
    if (left > 0 && contentLength !== -1) throw new TypeError("The response body is shorter than its Content-Length");
    return true;
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
