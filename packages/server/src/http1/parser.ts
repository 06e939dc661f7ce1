/**
 * The receiving half of an HTTP/1.1 server connection, without a socket and without a clock: bytes in, events out. The caller owns
 * the connection: it pushes what it read, takes events until there is none, and after an error it sends the refusal and closes.
 */
import { ChunkedDecoder } from "./chunked.ts";
import {
  DEFAULT_HEAD_LIMITS,
  HeadReader,
  methodIn,
  type PrefixLookup,
  type HeadLimits,
  type RequestHead,
} from "./request-head.ts";

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

/** What the parser found next in the bytes. */
export type RequestEvent = RequestHead | DataEvent | EndEvent;

/** Recognises a head by its bytes. The parser needs none: this is where a cache may be put in. */
export interface HeadLookup {
  /** The head whose bytes stand at an offset of a chunk. */
  find(chunk: Buffer, offset: number): RequestHead | null;
  /** The bytes of the head that was found. */
  readonly length: number;
  keep(head: RequestHead, chunk: Buffer, from: number, to: number): void;
}

/** What may make a parser faster and changes nothing else. */
export interface ParserCaches {
  readonly prefixes?: PrefixLookup;
  readonly heads?: HeadLookup;
}

const NO_CACHES: ParserCaches = {};
const NO_TRAILERS: readonly string[] = [];
const EMPTY: Buffer = Buffer.alloc(0);

/** Pushed pieces that may wait before they are put together. */
const MAX_PIECES_BEHIND = 64;

type State = "head" | "length" | "chunked" | "failed";

/** Parses the requests of one connection: push the bytes that arrive, and take events until there is none. */
export class RequestParser {
  readonly #limits: HeadLimits;
  readonly #createCaches: () => ParserCaches;
  /** `null` on an idle connection, which needs none: so are the caches. */
  #head: HeadReader | null = null;
  /** Whether no head has been complete. */
  #isFirst = true;
  #heads: HeadLookup | null = null;
  #state: State = "head";
  #chunk: Buffer = EMPTY;
  #offset = 0;
  /** What was pushed after `#chunk`, and its bytes: put together when it is needed, not at each push. */
  #behind: Buffer[] = [];
  #behindBytes = 0;
  /** Characters of `#chunk`, up to its offset `#textEnd`, behind an unfinished line of an earlier chunk. */
  #text = "";
  #textEnd = 0;
  /** A line whose end has not come. */
  #partial = "";
  #remaining = 0;
  #chunked: ChunkedDecoder | null = null;

  /** @param createCaches called behind the first head, and again after {@link RequestParser.trim}. Default: no caches. */
  constructor(limits: HeadLimits = DEFAULT_HEAD_LIMITS, createCaches: () => ParserCaches = () => NO_CACHES) {
    this.#limits = limits;
    this.#createCaches = createCaches;
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
    this.#textEnd = 0;
  }

  /** The next event, or `null` where more bytes are needed. @throws RequestError, after which the parser gives nothing more. */
  next(): RequestEvent | null {
    if (this.#behindBytes > 0) this.#joinBehind();
    try {
      switch (this.#state) {
        case "head":
          return this.#nextHead();
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

  /**
   * The content of the head that `next` gave last, in place of its events.
   * @returns `null` where it has none, or where it has not been pushed as a whole: its events follow.
   */
  takeContent(): Buffer | null {
    const end = this.#offset + this.#remaining;
    if (this.#state !== "length" || end > this.#chunk.length) return null;
    const bytes = this.#chunk.subarray(this.#offset, end);
    this.#offset = end;
    this.#remaining = 0;
    this.#state = "head";
    return bytes;
  }

  /** Whether a head has begun and not ended. */
  get insideHead(): boolean {
    return (
      this.#state === "head" &&
      (this.#partial !== "" || this.#head?.begun === true || this.#offset < this.#chunk.length)
    );
  }

  /** Whether a request's content has not ended. */
  get insideContent(): boolean {
    return this.#state === "length" || this.#state === "chunked";
  }

  /** Pushed bytes that no event has given out yet. */
  get bufferedBytes(): number {
    return this.#partial.length + this.#chunk.length - this.#offset + this.#behindBytes;
  }

  /** The method of the head that has begun, or was refused, as far as it has come; else an empty string. */
  get method(): string {
    return this.#head?.method ?? methodIn(this.#partial);
  }

  /** The bytes after the last event, for a protocol that takes the connection over. Nothing is parsed any more. */
  takeRest(): Buffer {
    if (this.#behindBytes > 0) this.#joinBehind();
    const rest = this.#chunk.subarray(this.#offset);
    this.#state = "failed";
    this.#replaceChunk(EMPTY);
    return rest;
  }

  /** Releases memory that an idle connection does not need. */
  trim(): void {
    if (this.#offset !== this.#chunk.length || this.#partial !== "" || this.#head?.atStart === false) return;
    this.#replaceChunk(EMPTY);
    this.#head = null;
    this.#heads = null;
  }

  #createReader(): HeadReader {
    // Many connections have one request only: nothing is kept of it.
    const { heads = null, prefixes = null } = this.#isFirst ? NO_CACHES : this.#createCaches();
    this.#heads = heads;
    return (this.#head = new HeadReader(this.#limits, prefixes));
  }

  #nextHead(): RequestHead | null {
    const from = this.#offset;
    const reader = this.#head ?? this.#createReader();
    const isWhole = this.#partial === "" && reader.atStart;
    if (this.#heads !== null && isWhole && from < this.#chunk.length) {
      const known = this.#heads.find(this.#chunk, from);
      if (known !== null) {
        this.#offset += this.#heads.length;
        return this.#enter(known);
      }
    }
    for (;;) {
      let at = 0;
      if (this.#offset < this.#textEnd) {
        at = this.#text.length - (this.#textEnd - this.#offset);
      } else if (this.#offset === this.#chunk.length) {
        // The parser does not keep bytes that were used up. A cache may.
        this.#replaceChunk(EMPTY);
        return null;
      } else {
        this.#decode();
      }
      const head = reader.read(this.#text, at);
      if (head !== null) {
        this.#offset = this.#textEnd - (this.#text.length - reader.position);
        if (this.#isFirst) this.#endFirst();
        else if (isWhole) this.#heads?.keep(head, this.#chunk, from, this.#offset);
        return this.#enter(head);
      }
      this.#partial = this.#text.slice(reader.position);
      this.#offset = this.#textEnd;
    }
  }

  /** The next head gets a reader with caches. */
  #endFirst(): void {
    this.#isFirst = false;
    this.#head = null;
  }

  /** Turns the chunk's next bytes into characters: enough for any head that is within its limits, and not all of a long content. */
  #decode(): void {
    this.#textEnd = Math.min(this.#chunk.length, this.#offset + this.#limits.maxHeadBytes);
    this.#text = this.#partial + this.#chunk.toString("latin1", this.#offset, this.#textEnd);
    this.#partial = "";
  }

  #enter(head: RequestHead): RequestHead {
    if (head.contentLength === "chunked") {
      this.#state = "chunked";
      this.#chunked = new ChunkedDecoder(this.#limits);
    } else if (head.contentLength > 0) {
      this.#state = "length";
      this.#remaining = head.contentLength;
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
