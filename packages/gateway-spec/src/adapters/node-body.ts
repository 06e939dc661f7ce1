/** The content of a node:http request as the contract wants it: one reader, pulled piece by piece, errors with a code. */
import type { IncomingMessage } from "node:http";
import { exchangeError } from "../errors.ts";

/** Whether the head announces content (RFC 9112 §6.3). Reads the raw lines, for node builds its header object on first touch. */
export function hasContent(req: IncomingMessage): boolean {
  if (req.httpVersionMajor === 2) return !isEndOfStream(req);
  const lines = req.rawHeaders;
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    if (name.length === 17 && name.toLowerCase() === "transfer-encoding") return true;
    if (name.length === 14 && name.toLowerCase() === "content-length") return Number(lines[i + 1]) !== 0;
  }
  return false;
}

/** Pulls from node's stream. Breaking off leaves the stream alone: what is unread is drained after the response. */
export class NodeRequestBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  /** Whether a reader waits for the client now. */
  waiting = false;
  /** Whether there was a first pull. */
  opened = false;
  readonly #req: IncomingMessage;
  readonly #limitBytes: number;
  readonly #onOpen: () => void;
  #received = 0;
  #taken = false;
  #finished = false;
  #error: Error | null = null;
  #onFailed: ((error: Error) => void) | null = null;
  #wake: (() => void) | null = null;
  #pending: Promise<IteratorResult<Uint8Array, undefined>> | null = null;

  /**
   * @param limitBytes beyond it the body fails with `REQUEST_BODY_TOO_LARGE`.
   * @param onOpen called at the first pull.
   */
  constructor(req: IncomingMessage, limitBytes: number, onOpen: () => void) {
    this.#req = req;
    this.#limitBytes = limitBytes;
    this.#onOpen = onOpen;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    if (this.#taken) throw new TypeError("The request body has a reader already");
    this.#taken = true;
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const pull = () => this.#pull();
    const pending = this.#pending === null ? this.#pull() : this.#pending.then(pull, pull);
    this.#pending = pending;
    const settled = () => {
      if (this.#pending === pending) this.#pending = null;
    };
    pending.then(settled, settled);
    return pending;
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Makes the present pull and all later ones fail. */
  fail(error: Error): void {
    if (this.#finished) return;
    this.#error = error;
    this.#close();
    this.#onFailed?.(error);
  }

  /** Calls back with why the content will not come. */
  whenFailed(callback: (error: Error) => void): void {
    this.#onFailed = callback;
    if (this.#error !== null) callback(this.#error);
  }

  async #pull(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.opened) this.#open();
    for (;;) {
      if (this.#error !== null) throw this.#error;
      if (this.#finished) return { done: true, value: undefined };
      const piece = this.#req.read() as Buffer | null;
      if (piece !== null) return { done: false, value: this.#count(piece) };
      await this.#arrival();
    }
  }

  #count(piece: Buffer): Uint8Array {
    this.#received += piece.byteLength;
    if (this.#received > this.#limitBytes) throw this.#tooLarge();
    return piece;
  }

  #tooLarge(): Error {
    const error = exchangeError("REQUEST_BODY_TOO_LARGE", `The request body is longer than ${this.#limitBytes} bytes`);
    this.fail(error);
    return error;
  }

  #open(): void {
    this.opened = true;
    // Something before us, a middleware say, may have read it.
    if (this.#req.readableEnded) return void (this.#finished = true);
    if (this.#finished) return;
    if (Number(this.#req.headers["content-length"] ?? 0) > this.#limitBytes) throw this.#tooLarge();
    if (this.#req.destroyed) return this.#onClose();
    this.#req.on("readable", this.#notify).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
    this.#onOpen();
  }

  #close(): void {
    this.#finished = true;
    this.#req
      .off("readable", this.#notify)
      .off("end", this.#onEnd)
      .off("error", this.#onError)
      .off("close", this.#onClose);
    this.#notify();
  }

  async #arrival(): Promise<void> {
    this.waiting = true;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.waiting = false;
  }

  readonly #notify = (): void => {
    this.#wake?.();
    this.#wake = null;
  };

  readonly #onEnd = (): void => {
    this.#close();
  };

  readonly #onError = (cause: unknown): void => {
    this.fail(exchangeError("CLIENT_DISCONNECTED", "The client went away before the end of the request body", cause));
  };

  readonly #onClose = (): void => {
    this.#onError(undefined);
  };
}

function isEndOfStream(req: IncomingMessage): boolean {
  // http2's compatibility request carries its stream, which knows whether the head ended it.
  const { stream } = req as IncomingMessage & { readonly stream?: { readonly endAfterHeaders: boolean } };
  return stream?.endAfterHeaders ?? false;
}
