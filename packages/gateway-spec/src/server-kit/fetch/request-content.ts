/** The content of a web `Request`, given to the reader of `request.body` piece by piece. */
import { BodyQueue, type BodyQueueOwner } from "../body-queue.ts";
import { contentTooLarge } from "../refusals.ts";
import type { ExchangeError } from "../../index.ts";

/** Reads the host's stream when the reader waits, and never ahead of it: what is not pulled stays with the host. */
export class RequestContent implements BodyQueueOwner {
  readonly queue: BodyQueue;
  readonly #request: Request;
  readonly #limitBytes: number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #reading = false;

  readonly #toError: (error: unknown) => ExchangeError;

  /**
   * @param limitBytes content beyond it fails with `REQUEST_BODY_TOO_LARGE`.
   * @param toError why the host's stream has failed.
   */
  constructor(request: Request, limitBytes: number, toError: (error: unknown) => ExchangeError) {
    this.queue = new BodyQueue(this, limitBytes);
    this.#request = request;
    this.#limitBytes = limitBytes;
    this.#toError = toError;
  }

  contentOpened(): void {
    const { body, headers } = this.#request;
    if (Number(headers.get("content-length") ?? 0) > this.#limitBytes) this.fail(contentTooLarge(this.#limitBytes));
    else if (body === null) this.queue.end();
    else this.#reader = body.getReader();
  }

  contentPulled(): void {
    if (this.queue.waiting) void this.#read();
  }

  /** The rest will not arrive, or is not wanted. */
  fail(error: ExchangeError): void {
    this.queue.fail(error);
    this.#cancel(error);
  }

  /** The response is complete. */
  abandon(): void {
    if (this.queue.over) return;
    this.queue.abandon();
    this.#cancel();
  }

  async #read(): Promise<void> {
    if (this.#reader === null || this.#reading || this.queue.over) return;
    this.#reading = true;
    try {
      const { done, value } = await this.#reader.read();
      if (done) this.queue.end();
      else if (!this.queue.push(value)) this.#cancel();
    } catch (error) {
      this.queue.fail(this.#toError(error));
    } finally {
      this.#reading = false;
    }
    if (this.queue.waiting) void this.#read();
  }

  #cancel(reason?: unknown): void {
    const canceled = this.#reader?.cancel(reason);
    canceled?.catch(() => undefined);
    this.#reader = null;
  }
}
