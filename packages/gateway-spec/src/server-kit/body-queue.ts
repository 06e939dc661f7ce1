/** The content of a request between the connection and its reader: bounded, for one reader, with the trailers behind it. */
import type { ExchangeError, HeaderView } from "../index.ts";
import { FieldView, type FieldLines } from "./fields.ts";
import { contentDropped, contentTooLarge } from "./refusals.ts";

/** Unread content beyond which the connection is no longer read, in bytes. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/** The same in pieces: a piece of one byte takes a hundred bytes of memory. */
const HIGH_WATER_MARK_PIECES = 256;

/** The connection behind a {@link BodyQueue}. */
export interface BodyQueueOwner {
  /** The first pull: the moment for `100 Continue` (TSGI-10). */
  contentOpened(): void;
  /** The reader has taken a piece or waits for one: the connection may be read. */
  contentPulled(): void;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_TRAILERS: FieldLines = [];

type Result = IteratorResult<Uint8Array, undefined>;

/** `request.body` of a server: the connection pushes pieces, the application pulls them. */
export class BodyQueue implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #owner: BodyQueueOwner;
  readonly #limitBytes: number;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #receivedBytes = 0;
  #hasReader = false;
  #pulled = false;
  /** The reader has left. */
  #dropped = false;
  /** All content has arrived. */
  #complete = false;
  /** The response is complete: what still arrives is dropped. */
  #abandoned = false;
  #error: ExchangeError | null = null;
  #waiting: PromiseWithResolvers<Result> | null = null;
  #trailerLines: FieldLines = NO_TRAILERS;
  #trailers: PromiseWithResolvers<HeaderView> | null = null;

  /** @param limitBytes content beyond it fails with `REQUEST_BODY_TOO_LARGE`. */
  constructor(owner: BodyQueueOwner, limitBytes: number = Number.POSITIVE_INFINITY) {
    this.#owner = owner;
    this.#limitBytes = limitBytes;
  }

  // The application's side

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    if (this.#hasReader) throw new TypeError("The request body has a reader already; it can be read once");
    this.#hasReader = true;
    return this;
  }

  next(): Promise<Result> {
    if (this.#waiting !== null) {
      const again = () => this.next();
      return this.#waiting.promise.then(again, again);
    }
    if (!this.#pulled && !this.#dropped) {
      this.#pulled = true;
      this.#owner.contentOpened();
    }
    const bytes = this.#queue.shift();
    if (bytes !== undefined) {
      this.#queuedBytes -= bytes.byteLength;
      this.#owner.contentPulled();
      this.#settleTrailers();
      return Promise.resolve({ done: false, value: bytes });
    }
    if (this.#abandoned) this.#failAbandoned();
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#complete || this.#dropped) return Promise.resolve({ done: true, value: undefined });
    const waiting = Promise.withResolvers<Result>();
    this.#waiting = waiting;
    this.#owner.contentPulled();
    return waiting.promise;
  }

  /** In place of an iteration, where all content has arrived in one piece at most. */
  takeWhole(): Uint8Array | null {
    if (!this.#complete || this.#hasReader || this.#pulled || this.#queue.length > 1) return null;
    this.#hasReader = true;
    this.#pulled = true;
    this.#queuedBytes = 0;
    const bytes = this.#queue.pop() ?? NO_BYTES;
    this.#settleTrailers();
    return bytes;
  }

  /** The reader leaves: what still arrives is dropped. */
  return(): Promise<Result> {
    this.#dropped = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#end();
    this.#owner.contentPulled();
    this.#settleTrailers();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** `request.trailers`: settles when the content has been read to its end, or fails. It causes no unhandled rejection. */
  get trailers(): Promise<HeaderView> {
    if (this.#trailers === null) {
      this.#trailers = Promise.withResolvers<HeaderView>();
      this.#trailers.promise.catch(() => undefined);
      if (this.#abandoned) this.#failAbandoned();
      this.#settleTrailers();
    }
    return this.#trailers.promise;
  }

  // The connection's side

  /** Whether there was a first pull. */
  get opened(): boolean {
    return this.#pulled;
  }

  /** Whether the reader waits for the client. */
  get waiting(): boolean {
    return this.#waiting !== null;
  }

  /** Whether the connection should not be read for now. */
  get full(): boolean {
    return this.#queuedBytes >= HIGH_WATER_MARK_BYTES || this.#queue.length >= HIGH_WATER_MARK_PIECES;
  }

  /** Whether all content has arrived, or it has failed: nothing more is taken. */
  get over(): boolean {
    return this.#complete || this.#error !== null;
  }

  /** Takes the next content. @returns false where it goes beyond the limit: the body has failed then. */
  push(bytes: Uint8Array): boolean {
    if (this.#error !== null || this.#abandoned) return true;
    this.#receivedBytes += bytes.byteLength;
    if (this.#receivedBytes > this.#limitBytes) {
      this.fail(contentTooLarge(this.#limitBytes));
      return false;
    }
    if (this.#dropped) return true;
    const waiting = this.#waiting;
    if (waiting !== null) {
      this.#waiting = null;
      waiting.resolve({ done: false, value: bytes });
      return true;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
    return true;
  }

  /** All content has arrived. */
  end(trailers: FieldLines = NO_TRAILERS): void {
    if (this.#error !== null || this.#abandoned) return;
    this.#complete = true;
    this.#trailerLines = trailers;
    this.#end();
    this.#settleTrailers();
  }

  /** The rest will not arrive. Pieces that arrived before are still given to the reader, then it gets the error. */
  fail(error: ExchangeError): void {
    if (!this.#complete && this.#error === null) {
      this.#error = error;
      this.#waiting?.reject(error);
      this.#waiting = null;
    }
    this.#trailers?.reject(error);
  }

  /**
   * The response is complete: the rest is dropped, and a reader that goes on gets `REQUEST_BODY_DROPPED`. The error is made only
   * then, for it costs several times what the rest of a request does.
   */
  abandon(): void {
    if (this.#complete || this.#error !== null) return;
    this.#abandoned = true;
    if (this.#waiting !== null || this.#trailers !== null) this.#failAbandoned();
  }

  #failAbandoned(): void {
    this.#abandoned = false;
    this.fail(contentDropped());
  }

  #end(): void {
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = null;
  }

  #settleTrailers(): void {
    if (this.#trailers === null) return;
    if (this.#error !== null) this.#trailers.reject(this.#error);
    else if (this.#complete && this.#queue.length === 0) this.#trailers.resolve(new FieldView(this.#trailerLines));
  }
}
