/**
 * Sends a body that comes in pieces: in order, no piece held back for the next, and none pulled that the client does not take
 * (TSGI-25). Pieces that come in one turn of the event loop leave in one write. The length is checked (TSGI-20).
 */
import type { HeaderFields, OutgoingResponse } from "../index.ts";
import { GatheredPieces, maxBytes } from "./gathered-pieces.ts";
import { type BodySource, ContentCheck } from "./response-body.ts";

/** Most bytes given to a sink at once: a client that takes none of them in time has stopped reading. */
export const MAX_WRITE_BYTES: number = 128 * 1024;

/**
 * How long one body whose pieces are at hand may run before other clients get a turn of the event loop, in milliseconds. A pull that
 * waits for I/O gives turns by itself.
 */
const TURN_MS = 5;

/** The clock is read after so many pieces: a reading takes about as long as half of the work on a short piece. */
const PIECES_PER_CLOCK_READ = 8;

/** Where a {@link BodyWriter} writes to. It frames the content, and it buffers until `flush`. */
export interface BodySink {
  /** Writes the head of the response; called once, before all else. It may throw: the failure is an early one then. */
  writeHead(): void;
  /** Writes a part of the content, which may be several pieces of the body. A string is ASCII. */
  write(part: string | Uint8Array): void;
  /** Gives the system what was written. */
  flush(): void;
  /** `null` where more may be written now, else a promise that fulfils when the client has caught up, or is gone. */
  writable(): Promise<void> | null;
  /** Ends the content and flushes. @param trailers what `trailers()` of the response gave. @throws TypeError for fields that may not be sent. */
  end(trailers: HeaderFields | undefined): void;
  /**
   * The body, its trailers or the sink failed. Where {@link BodyWriter.headWritten} is false, a 500 may be sent in place of the
   * response; else the connection is terminated. It has to call {@link BodyWriter.release}, after `signal` (TSGI-40).
   */
  failed(error: unknown): void;
}

/** Writes the body of a response to a {@link BodySink}: checks its length, waits for a slow client, and releases the body once. */
export class BodyWriter {
  readonly #sink: BodySink;
  readonly #check: ContentCheck;
  readonly #trailers: OutgoingResponse["trailers"];
  readonly #gathered = new GatheredPieces();
  /** `null` once it has ended or was released. */
  #source: BodySource | null;
  #released = false;
  #headWritten = false;
  #waitsForClient = false;
  #flushScheduled = false;

  /**
   * @param contentLength the length that the head announces, or -1 where it announces none.
   * @param trailers of the response, where the message can carry them; called when the body has ended.
   */
  constructor(sink: BodySink, source: BodySource, contentLength: number, trailers?: OutgoingResponse["trailers"]) {
    this.#sink = sink;
    this.#source = source;
    this.#check = new ContentCheck(contentLength);
    this.#trailers = trailers;
  }

  /** Whether the head was given to the sink. */
  get headWritten(): boolean {
    return this.#headWritten;
  }

  /** Whether the client has to read before more is pulled. */
  get waitsForClient(): boolean {
    return this.#waitsForClient;
  }

  /** Starts to send. A failure goes to the sink. */
  start(): void {
    // The head waits one turn for the first piece, to leave with it; a failure in that turn is an early one.
    setImmediate(this.#writeHeadAlone);
    this.#send().catch(this.#fail);
  }

  /** Releases the body and sends nothing more. Further calls do nothing. */
  release(reason: unknown): void {
    this.#released = true;
    this.#source?.cancel(reason);
    this.#source = null;
  }

  async #send(): Promise<void> {
    let turn = performance.now();
    for (let pieces = 1; ; pieces++) {
      const source = this.#source;
      if (source === null) return;
      const { done, value } = await source.next();
      if (this.#isReleased()) return;
      if (done === true) break;
      const blocked = this.#take(value);
      if (blocked !== null) await blocked;
      if (pieces % PIECES_PER_CLOCK_READ === 0 && performance.now() - turn >= TURN_MS) {
        await new Promise(setImmediate);
        turn = performance.now();
      }
      if (this.#isReleased()) return;
    }
    this.#source = null;
    this.#check.end();
    const trailers = this.#trailers === undefined ? undefined : await this.#trailers();
    if (this.#isReleased()) return;
    this.#writeHead();
    this.#gathered.take(this.#write);
    this.#sink.end(trailers);
    this.#released = true;
  }

  /** @returns a promise where the client has to read first. */
  #take(piece: unknown): Promise<void> | null {
    this.#check.piece(piece);
    if (piece.length === 0) return null;
    this.#writeHead();
    const part = typeof piece === "string" && maxBytes(piece) > MAX_WRITE_BYTES ? Buffer.from(piece) : piece;
    const size = maxBytes(part);
    if (typeof part !== "string" && size > MAX_WRITE_BYTES) return this.#writeLong(part);
    const room = MAX_WRITE_BYTES - this.#gathered.size;
    if (size > room) this.#flush();
    this.#gathered.add(part);
    if (size === room) this.#flush();
    // The first piece of a turn, and one that leads to a write, finds out whether the client reads.
    if (this.#flushScheduled && size < room) return null;
    this.#scheduleFlush();
    const writable = this.#sink.writable();
    if (writable === null) return null;
    this.#flush();
    return this.#waitForClient(writable);
  }

  async #writeLong(bytes: Uint8Array): Promise<void> {
    this.#flush();
    for (let from = 0; from < bytes.byteLength && !this.#released; from += MAX_WRITE_BYTES) {
      this.#gathered.add(bytes.subarray(from, from + MAX_WRITE_BYTES));
      this.#flush();
      const writable = this.#sink.writable();
      if (writable !== null) await this.#waitForClient(writable);
    }
  }

  async #waitForClient(writable: Promise<void>): Promise<void> {
    this.#waitsForClient = true;
    await writable;
    this.#waitsForClient = false;
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(this.#flushAtEndOfTurn);
  }

  #flush(): void {
    if (this.#gathered.size === 0 || this.#released) return;
    this.#gathered.take(this.#write);
    this.#sink.flush();
  }

  readonly #write = (part: string | Uint8Array): void => {
    this.#sink.write(part);
  };

  readonly #flushAtEndOfTurn = (): void => {
    this.#flushScheduled = false;
    try {
      this.#flush();
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #writeHeadAlone = (): void => {
    if (this.#headWritten || this.#released) return;
    try {
      this.#writeHead();
      this.#sink.flush();
    } catch (error) {
      this.#fail(error);
    }
  };

  #writeHead(): void {
    if (this.#headWritten) return;
    this.#sink.writeHead();
    this.#headWritten = true;
  }

  readonly #fail = (error: unknown): void => {
    if (!this.#released) this.#sink.failed(error);
  };

  /** It may change while something is awaited, which the type of a field would not show. */
  #isReleased(): boolean {
    return this.#released;
  }
}
