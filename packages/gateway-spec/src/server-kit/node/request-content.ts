/** The content of node's request, given to the reader of `request.body` piece by piece. */
import type { IncomingMessage } from "node:http";
import type { ExchangeError, HeaderView } from "../../index.ts";
import { BodyQueue, type BodyQueueOwner } from "../body-queue.ts";
import { clientDisconnected, contentTooLarge } from "../refusals.ts";
import { fieldOf, lowerNames } from "./request.ts";

/**
 * Reads node's stream when the reader pulls. What is not pulled stays in the stream, which stops reading the socket when it is full;
 * so does the content behind a reader that has left, until the response is complete.
 */
export class RequestContent implements BodyQueueOwner {
  readonly queue: BodyQueue;
  readonly #req: IncomingMessage;
  readonly #limitBytes: number;
  readonly #sendContinue: () => void;

  /**
   * @param limitBytes content beyond it fails with `REQUEST_BODY_TOO_LARGE`.
   * @param sendContinue called at the first pull.
   */
  constructor(req: IncomingMessage, limitBytes: number, sendContinue: () => void) {
    this.queue = new BodyQueue(this, limitBytes);
    this.#req = req;
    this.#limitBytes = limitBytes;
    this.#sendContinue = sendContinue;
  }

  get trailers(): Promise<HeaderView> {
    // Middleware may have read the content.
    if (this.#req.readableEnded) this.#end();
    return this.queue.trailers;
  }

  contentOpened(): void {
    const req = this.#req;
    if (req.readableEnded) this.#end();
    else if (Number(fieldOf(req, "content-length") ?? 0) > this.#limitBytes)
      this.fail(contentTooLarge(this.#limitBytes));
    else if (req.destroyed) this.#disconnect();
    else {
      req.on("readable", this.#read).on("end", this.#end).on("error", this.#disconnect).on("close", this.#disconnect);
      this.#sendContinue();
    }
  }

  contentPulled(): void {
    this.#read();
  }

  /** The rest will not arrive. */
  fail(error: ExchangeError): void {
    this.queue.fail(error);
    this.#detach();
  }

  /** The response is complete: the rest is dropped. */
  abandon(): void {
    this.queue.abandon();
    this.#detach();
  }

  readonly #read = (): void => {
    while (this.queue.waiting) {
      const piece = this.#req.read() as Buffer | null;
      if (piece === null) return;
      if (!this.queue.push(piece)) this.#detach();
    }
  };

  readonly #end = (): void => {
    this.queue.end(lowerNames(this.#req.rawTrailers));
    this.#detach();
  };

  readonly #disconnect = (): void => {
    this.fail(clientDisconnected(this.#req.errored ?? undefined));
  };

  #detach(): void {
    const req = this.#req;
    req.off("readable", this.#read).off("end", this.#end).off("error", this.#disconnect).off("close", this.#disconnect);
  }
}
