/**
 * The receiving half of an HTTP/1.1 server connection, without a socket and without a clock: bytes in, events out. The caller owns
 * the connection: it pushes what it read, takes events until there is none, and after an error answers and closes.
 */
import { ChunkedDecoder } from "./chunked.ts";
import {
  DEFAULT_HEAD_LIMITS,
  forbidden,
  headTooLarge,
  MAX_METHOD_BYTES,
  methodTooLong,
  parseHead,
  targetTooLong,
  type HeadLimits,
  type RequestHead,
} from "./head.ts";
import { RecurringLines } from "./recurring-lines.ts";
import { Vocabulary } from "./vocabulary.ts";

/** A piece of content: a view on what was pushed, not a copy. */
export interface DataEvent {
  readonly kind: "data";
  readonly bytes: Buffer;
}

/** The content is complete. Requests without content have no such event. */
export interface EndEvent {
  readonly kind: "end";
  /** The trailer section: name, value, name, value, … */
  readonly trailers: readonly string[];
}

export type RequestEvent = RequestHead | DataEvent | EndEvent;

const NO_TRAILERS: readonly string[] = [];
const EMPTY: Buffer = Buffer.alloc(0);
const END_OF_HEAD = "\r\n\r\n";
const WORD_END = /[ \r]/;
const CR = 13;
const LF = 10;

/** Pushed pieces that may wait before they are put together. */
const MAX_PIECES_BEHIND = 64;

type State = "head" | "length" | "chunked" | "failed";

export class RequestParser {
  readonly #limits: HeadLimits;
  readonly #vocabulary: Vocabulary;
  #recurring: RecurringLines | null = null;
  #state: State = "head";
  #chunk: Buffer = EMPTY;
  #offset = 0;
  /** What was pushed behind `#chunk`, and how many bytes that is: put together once it is needed, not at each push. */
  #behind: Buffer[] = [];
  #behindBytes = 0;
  /** `#chunk` as Latin-1 from `#textStart` on, as far as it was needed. */
  #text = "";
  #textStart = 0;
  /** The beginning of a head whose end has not come yet, and its last three characters. */
  #partial = "";
  #remaining = 0;
  #chunked: ChunkedDecoder | null = null;
  /** Where the last head stands: no view on it, for making one costs a sixth of reading a small head. */
  #lastChunk: Buffer = EMPTY;
  #lastFrom = 0;
  #lastLength = 0;
  #last: RequestHead | null = null;
  /** How many more times the last head is known to stand in `#chunk`, one right behind the other. */
  #again = 0;
  #leadingLine = false;

  /** @param vocabulary shared by all connections of a server, so that a name is checked once. */
  constructor(limits: HeadLimits = DEFAULT_HEAD_LIMITS, vocabulary: Vocabulary = new Vocabulary()) {
    this.#limits = limits;
    this.#vocabulary = vocabulary;
  }

  /** Adds bytes that were read. The parser keeps views on them. */
  push(bytes: Buffer): void {
    if (this.#offset === this.#chunk.length && this.#behindBytes === 0) {
      this.#replaceChunk(bytes);
      return;
    }
    this.#behind.push(bytes);
    this.#behindBytes += bytes.length;
    // Small pieces cost more than their bytes.
    if (this.#behind.length === MAX_PIECES_BEHIND) this.#joinBehind();
  }

  #joinBehind(): void {
    this.#replaceChunk(Buffer.concat([this.#chunk.subarray(this.#offset), ...this.#behind]));
    this.#behind = [];
    this.#behindBytes = 0;
  }

  #replaceChunk(bytes: Buffer): void {
    this.#chunk = bytes;
    this.#offset = 0;
    this.#text = "";
    this.#textStart = 0;
    this.#again = 0;
  }

  /** The next event, or `null` where more bytes are needed. @throws RequestError, after which the parser gives nothing more. */
  next(): RequestEvent | null {
    if (this.#behindBytes > 0) this.#joinBehind();
    try {
      switch (this.#state) {
        case "head":
          return this.#offset === this.#chunk.length ? null : this.#nextHead();
        case "length":
          return this.#nextOfLength();
        case "chunked":
          return this.#nextOfChunked();
        case "failed":
        default:
          return null;
      }
    } catch (error) {
      this.#state = "failed";
      throw error;
    }
  }

  /** Whether a head has begun and not ended. */
  get insideHead(): boolean {
    return this.#state === "head" && (this.#partial !== "" || this.#offset < this.#chunk.length);
  }

  /** Whether a request's content has not ended. */
  get insideContent(): boolean {
    return this.#state === "length" || this.#state === "chunked";
  }

  /** Pushed bytes that no event has given out yet. */
  get bufferedBytes(): number {
    return this.#chunk.length - this.#offset + this.#behindBytes;
  }

  /** Whether the next head, or the one that was refused, begins with a text: there may be no more to tell of it. */
  beginsWith(text: string): boolean {
    return (this.#partial + this.#chunk.toString("latin1", this.#offset, this.#offset + text.length)).startsWith(text);
  }

  /** The bytes after the last event, for a protocol that takes the connection over. Nothing is parsed any more. */
  takeRest(): Buffer {
    if (this.#behindBytes > 0) this.#joinBehind();
    const rest = this.#chunk.subarray(this.#offset);
    this.#state = "failed";
    this.#chunk = EMPTY;
    this.#offset = 0;
    return rest;
  }

  /** Lets go of what is only there to be fast, on a connection that has nothing to do. */
  trim(): void {
    this.#lastChunk = EMPTY;
    this.#lastLength = 0;
    this.#last = null;
    this.#recurring = null;
    this.#again = 0;
    if (this.#offset === this.#chunk.length) {
      this.#chunk = EMPTY;
      this.#offset = 0;
      this.#text = "";
    }
  }

  #nextHead(): RequestEvent | null {
    if (this.#partial !== "") return this.#continueHead();
    if (!this.#leadingLine && this.#chunk[this.#offset] === CR && !this.#skipLeadingLine()) return null;

    // Fast path: the very bytes of the last head of this connection mean what they meant then. Peers behind a proxy and load
    // generators send the same head again and again; the plain path below is for all others, and the tests run both.
    const last = this.#last;
    if (last !== null && this.#isSame()) {
      this.#offset += this.#lastLength;
      return this.#enter(last);
    }

    if (this.#offset - this.#textStart >= this.#text.length) this.#readText();
    let text = this.#text;
    let start = this.#offset - this.#textStart;
    let end = text.indexOf(END_OF_HEAD, start);
    if (end === -1 && this.#textStart + text.length < this.#chunk.length) {
      this.#readText();
      text = this.#text;
      start = 0;
      end = text.indexOf(END_OF_HEAD);
    }
    if (end === -1) {
      this.#partial = text.slice(start);
      this.#replaceChunk(EMPTY);
      this.#checkPartial(this.#partial);
      return null;
    }
    const head = parseHead(
      text.slice(start, end + 2),
      this.#limits,
      this.#vocabulary,
      (this.#recurring ??= new RecurringLines()),
    );
    const from = this.#offset;
    this.#offset = this.#textStart + end + 4;
    this.#last = head;
    this.#lastChunk = this.#chunk;
    this.#lastFrom = from;
    this.#lastLength = this.#offset - from;
    return this.#enter(head);
  }

  /** Whether the last head's very bytes come next. A loop is as fast as a native comparison up to some hundred bytes. */
  #isSame(): boolean {
    if (this.#again > 0) {
      this.#again--;
      return true;
    }
    const chunk = this.#chunk;
    const offset = this.#offset;
    const bytes = this.#lastChunk;
    const from = this.#lastFrom;
    const length = this.#lastLength;
    const available = chunk.length - offset;
    if (available < length) return false;
    if (length > 256) {
      if (bytes.compare(chunk, offset, offset + length, from, from + length) !== 0) return false;
    } else {
      for (let i = 0; i < length; i++) if (chunk[offset + i] !== bytes[from + i]) return false;
    }
    // Pipelined, it may come many times: what equals itself moved on by a head's length repeats that head. One comparison tells.
    if (available >= 4 * length && this.#last?.contentLength === 0) {
      const end = offset + available - (available % length);
      if (chunk.compare(chunk, offset + length, end, offset, end - length) === 0)
        this.#again = (end - offset) / length - 1;
    }
    return true;
  }

  /** A head that came in several pieces. The pieces are searched once each: linear, however it was cut. */
  #continueHead(): RequestEvent | null {
    this.#readText();
    const before = this.#partial;
    const tail = before.slice(-3);
    const seam = (tail + this.#text).indexOf(END_OF_HEAD);
    if (seam === -1) {
      const added = this.#text;
      this.#partial = before + added;
      this.#replaceChunk(EMPTY);
      this.#checkPartial(tail + added);
      return null;
    }
    const end = before.length - tail.length + seam;
    const whole = before + this.#text.slice(0, Math.max(0, end + 4 - before.length));
    const head = parseHead(
      whole.slice(0, end + 2),
      this.#limits,
      this.#vocabulary,
      (this.#recurring ??= new RecurringLines()),
    );
    this.#partial = "";
    this.#offset += end + 4 - before.length;
    return this.#enter(head);
  }

  /** Refuses a head that can no longer become a good one, so that nobody waits for its end. */
  #checkPartial(added: string): void {
    const partial = this.#partial;
    for (let at = added.indexOf("\n"); at !== -1; at = added.indexOf("\n", at + 1)) {
      if (at > 0 ? added.charCodeAt(at - 1) !== CR : partial.length === added.length) throw forbidden();
    }
    const { maxHeadBytes, maxTargetBytes } = this.#limits;
    if (partial.length <= Math.min(maxHeadBytes, maxTargetBytes, MAX_METHOD_BYTES)) return;
    // A line that ends too early is refused as such when its head has come.
    const methodEnd = partial.slice(0, MAX_METHOD_BYTES + 1).search(WORD_END);
    if (methodEnd === -1) throw methodTooLong();
    if (partial.length <= Math.min(maxHeadBytes, maxTargetBytes)) return;
    const targetEnd = partial.slice(methodEnd + 1, methodEnd + maxTargetBytes + 2).search(WORD_END);
    if (targetEnd === -1 && partial.length > methodEnd + 1 + maxTargetBytes) throw targetTooLong(this.#limits);
    if (partial.length > maxHeadBytes) throw headTooLarge(this.#limits);
  }

  /**
   * RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line (CRLF)
   * received prior to the request-line." We choose to ignore exactly one.
   */
  #skipLeadingLine(): boolean {
    const next = this.#chunk[this.#offset + 1];
    if (next === undefined) return false;
    if (next !== LF) throw forbidden();
    this.#leadingLine = true;
    this.#offset += 2;
    return this.#offset < this.#chunk.length;
  }

  /** Reads the chunk's next characters: enough for any head that is within its limits. */
  #readText(): void {
    const end = Math.min(this.#chunk.length, this.#offset + this.#limits.maxHeadBytes + this.#limits.maxTargetBytes);
    this.#text = this.#chunk.toString("latin1", this.#offset, end);
    this.#textStart = this.#offset;
  }

  #enter(head: RequestHead): RequestHead {
    this.#leadingLine = false;
    if (head.contentLength > 0) {
      this.#state = "length";
      this.#remaining = head.contentLength;
    } else if (head.contentLength === -1) {
      this.#state = "chunked";
      this.#chunked = new ChunkedDecoder(this.#limits, this.#vocabulary);
    }
    return head;
  }

  #nextOfLength(): RequestEvent | null {
    if (this.#remaining === 0) return this.#leave(NO_TRAILERS);
    const available = this.#chunk.length - this.#offset;
    if (available === 0) return null;
    const length = Math.min(available, this.#remaining);
    this.#remaining -= length;
    return this.#data(length);
  }

  #nextOfChunked(): RequestEvent | null {
    const decoder = this.#chunked as ChunkedDecoder;
    const [offset, content] = decoder.step(this.#chunk, this.#offset);
    this.#offset = offset;
    if (content > 0) return this.#data(content);
    return decoder.trailers === null ? null : this.#leave(decoder.trailers);
  }

  #data(length: number): DataEvent {
    const bytes = this.#chunk.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return { kind: "data", bytes };
  }

  #leave(trailers: readonly string[]): EndEvent {
    this.#state = "head";
    this.#chunked = null;
    return { kind: "end", trailers };
  }
}
