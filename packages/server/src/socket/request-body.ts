/** A request's content on its way from the socket to the one who reads it. */
import type { ExchangeError } from "@tsgi/gateway-spec";
import { exchangeError } from "@tsgi/gateway-spec/server-kit";

/** Content waiting for its reader beyond which the socket is no longer read, in bytes. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/** The same in pieces, for a piece of one byte costs a hundred: 64 KiB of them would be many megabytes. */
const HIGH_WATER_MARK_PIECES = 256;

/** What the body tells the connection. */
export interface BodyOwner {
  /** The first pull: time for `100 Continue`. */
  bodyOpened(): void;
  /** There is room again. */
  bodyPulled(): void;
}

type Result = IteratorResult<Uint8Array, undefined>;

export class RequestBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #owner: BodyOwner;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  receivedBytes = 0;
  #state: "unread" | "reading" | "ended" | "dropped" = "unread";
  #complete = false;
  #unwanted = false;
  #error: ExchangeError | null = null;
  #pulled = false;
  #onOver: ((error: ExchangeError | null) => void) | null = null;
  #waiting: { readonly resolve: (result: Result) => void; readonly reject: (error: ExchangeError) => void } | null =
    null;

  constructor(owner: BodyOwner) {
    this.#owner = owner;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    if (this.#state !== "unread") throw new TypeError("A request body has one reader, and this one has had it");
    this.#state = "reading";
    return this;
  }

  next(): Promise<Result> {
    if (!this.#pulled) {
      this.#pulled = true;
      this.#owner.bodyOpened();
    }
    const bytes = this.#queue.shift();
    if (bytes !== undefined) {
      this.#queuedBytes -= bytes.byteLength;
      this.#owner.bodyPulled();
      this.#checkOver();
      return Promise.resolve({ done: false, value: bytes });
    }
    if (this.#unwanted) this.#failUnwanted();
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#complete || this.#state !== "reading") return Promise.resolve({ done: true, value: undefined });
    if (this.#waiting !== null) return Promise.reject(new TypeError("A request body gives one piece at a time"));
    const result = new Promise<Result>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#owner.bodyPulled();
    return result;
  }

  /** The reader has had enough: what is still to come is dropped. */
  return(): Promise<Result> {
    this.drop();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Calls back when all of the content has come and nothing of it waits for its reader any more, or with why it will not come. */
  whenOver(callback: (error: ExchangeError | null) => void): void {
    this.#onOver = callback;
    if (this.#unwanted) this.#failUnwanted();
    this.#checkOver();
  }

  /** Whether someone waits for content. */
  get waiting(): boolean {
    return this.#waiting !== null;
  }

  get full(): boolean {
    return this.#queuedBytes >= HIGH_WATER_MARK_BYTES || this.#queue.length >= HIGH_WATER_MARK_PIECES;
  }

  /** Whether someone has begun to read. */
  get opened(): boolean {
    return this.#state !== "unread";
  }

  push(bytes: Uint8Array): void {
    this.receivedBytes += bytes.byteLength;
    if (this.#state === "dropped" || this.#unwanted || this.#error !== null) return;
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting.resolve({ done: false, value: bytes });
      return;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
  }

  end(): void {
    if (this.#unwanted) return;
    this.#complete = true;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = null;
    this.#checkOver();
  }

  /** Pieces that came whole before the failure are still given out; then the reader hears of it. */
  fail(error: ExchangeError): void {
    if (this.#complete || this.#error !== null) return;
    this.#error = error;
    this.#waiting?.reject(error);
    this.#waiting = null;
    this.#checkOver();
  }

  /**
   * The response is out, and what is still to come is read for nobody. Who reads on all the same hears of it; the error is made only
   * then, for it costs several times what the rest of the request does.
   */
  abandon(): void {
    if (this.#complete || this.#error !== null) return;
    this.#unwanted = true;
    if (this.#waiting !== null || this.#onOver !== null) this.#failUnwanted();
  }

  #failUnwanted(): void {
    this.#unwanted = false;
    this.fail(exchangeError("REQUEST_BODY_DROPPED", "The response was sent before the request content was read"));
  }

  drop(): void {
    this.#state = "dropped";
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = null;
    this.#owner.bodyPulled();
    this.#checkOver();
  }

  #checkOver(): void {
    if (this.#error === null && (!this.#complete || this.#queue.length > 0)) return;
    this.#onOver?.(this.#error);
    this.#onOver = null;
  }
}
