/** The content of a node:http request as the contract wants it: one reader, pulled piece by piece, errors with a code. */
import type { IncomingMessage } from "node:http";
import { exchangeError } from "../../server-kit/refusals.ts";
import { fieldOf } from "./request.ts";

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

type Result = IteratorResult<Uint8Array, undefined>;

/** Content waiting for its reader beyond which the socket is no longer read. Small pieces cost more than their bytes. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;
const HIGH_WATER_MARK_PIECES = 256;

/**
 * Pulls from node's stream, or where nobody has touched that yet, takes the pieces before they get there: what node's parser pushes
 * then passes neither buffer nor events. Breaking off leaves the rest to node's stream: what is unread is drained after the response.
 */
export class NodeRequestBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  /** Whether there was a first pull. */
  opened = false;
  readonly #req: IncomingMessage;
  readonly #limitBytes: number;
  readonly #onOpen: () => void;
  #received = 0;
  #taken = false;
  /** Nothing more will come. */
  #ended = false;
  #error: Error | null = null;
  #onOver: ((error: Error | null) => void) | null = null;
  #waiting: PromiseWithResolvers<Result> | null = null;
  /** Node's own `push`, while ours stands in its place. */
  #push: IncomingMessage["push"] | null = null;
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;

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

  next(): Promise<Result> {
    if (this.#waiting !== null) {
      const pull = () => this.next();
      return this.#waiting.promise.then(pull, pull);
    }
    try {
      if (!this.opened) this.#open();
      const result = this.#take();
      if (result !== null) return Promise.resolve(result);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#waiting = Promise.withResolvers<Result>();
    return this.#waiting.promise;
  }

  return(): Promise<Result> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Makes the present pull and all later ones fail. */
  fail(error: Error): void {
    if (this.over) return;
    this.#error = error;
    this.#close();
    this.#onOver?.(error);
  }

  /** Whether someone waits for the client now. */
  get waiting(): boolean {
    return this.#waiting !== null;
  }

  /** Whether nothing more will be given out. */
  get over(): boolean {
    return this.#ended && this.#queue.length === 0;
  }

  /** Calls back when the content has been read to its end, or with why it will not come. */
  whenOver(callback: (error: Error | null) => void): void {
    this.#onOver = callback;
    if (this.over) callback(this.#error);
  }

  #take(): Result | null {
    if (this.#error !== null) throw this.#error;
    let piece = this.#queue.shift() ?? null;
    if (piece !== null) {
      this.#queuedBytes -= piece.byteLength;
      // oxlint-disable-next-line no-underscore-dangle -- what a stream's own read() calls, and here alone makes the socket go on
      if (this.#queue.length === 0 && this.#push !== null) this.#req._read(0);
      if (this.over) this.#onOver?.(null);
    } else if (this.#ended) {
      return { done: true, value: undefined };
    } else if (this.#push === null) {
      piece = this.#req.read() as Buffer | null;
    }
    return piece === null ? null : { done: false, value: this.#count(piece) };
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
    const req = this.#req;
    // Something before us, a middleware say, may have read it.
    if (req.readableEnded) return void (this.#ended = true);
    if (this.#ended) return;
    if (Number(fieldOf(req, "content-length") ?? 0) > this.#limitBytes) throw this.#tooLarge();
    if (req.destroyed) return this.#onClose();
    if (isUntouched(req)) {
      this.#push = Reflect.get(req, "push");
      req.push = this.#arrived;
    } else {
      req.on("readable", this.#notify).on("end", this.#onEnd).on("error", this.#onError);
    }
    req.on("close", this.#onClose);
    this.#onOpen();
  }

  #close(): void {
    this.#ended = true;
    this.#queue.length = 0;
    this.#handBack();
    this.#req
      .off("readable", this.#notify)
      .off("end", this.#onEnd)
      .off("error", this.#onError)
      .off("close", this.#onClose);
    this.#notify();
  }

  #handBack(): void {
    if (this.#push === null) return;
    // To delete ours would make the object a slow one.
    this.#req.push = this.#push;
    this.#push = null;
  }

  /** Stands in for node's `push`. Its answer is whether there is room for more. */
  readonly #arrived = (piece: Buffer | null): boolean => {
    if (piece === null) {
      this.#handBack();
      this.#req.push(null);
      this.#onEnd();
      return false;
    }
    this.#queue.push(piece);
    this.#queuedBytes += piece.byteLength;
    this.#notify();
    return this.#queuedBytes < HIGH_WATER_MARK_BYTES && this.#queue.length < HIGH_WATER_MARK_PIECES;
  };

  readonly #notify = (): void => {
    const waiting = this.#waiting;
    if (waiting === null) return;
    try {
      const result = this.#take();
      if (result === null) return;
      this.#waiting = null;
      waiting.resolve(result);
    } catch (error) {
      this.#waiting = null;
      waiting.reject(error);
    }
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    if (this.over) this.#onOver?.(null);
    this.#notify();
  };

  readonly #onError = (cause: unknown): void => {
    this.fail(exchangeError("CLIENT_DISCONNECTED", "The client went away before the end of the request body", cause));
  };

  readonly #onClose = (): void => {
    this.#onError(this.#req.errored ?? undefined);
  };
}

/** Whether nobody has read of the request's stream, and nothing waits there. */
function isUntouched(req: IncomingMessage): boolean {
  return req.httpVersionMajor === 1 && !req.complete && req.readableLength === 0 && req.readableFlowing === null;
}

function isEndOfStream(req: IncomingMessage): boolean {
  // http2's compatibility request carries its stream, which knows whether the head ended it.
  const { stream } = req as IncomingMessage & { readonly stream?: { readonly endAfterHeaders: boolean } };
  return stream?.endAfterHeaders ?? false;
}
