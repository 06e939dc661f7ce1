/** The chunked transfer coding, received (RFC 9112 §7.1): every terminator exact, every length bounded. */
import { RequestError } from "./errors.ts";
import { readField } from "./fields.ts";
import { FORBIDDEN_TRAILERS } from "./grammar.ts";
import type { HeadLimits } from "./request-head.ts";

/** Longest line of a chunk's size and extensions, in bytes. No client is known to send longer ones. */
const MAX_CHUNK_LINE_BYTES = 256;

/** Most bytes of chunk extensions in one message: "A server ought to limit the total length of chunk extensions" (RFC 9112 §7.1.1). */
const MAX_EXTENSION_BYTES = 4096;

/**
 * "chunk-size = 1*HEXDIG", then "chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )". We choose at most
 * twelve digits and no white space: readers that disagree about either have let requests be smuggled.
 */
const CHUNK_LINE =
  /^([0-9A-Fa-f]{1,12})((?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*)$/;

const MAX_SIZE_DIGITS = 12;
const NO_DIGIT = 16;

/** The value of each hexadecimal digit by its code: 0-9, A-F, a-f. */
const HEX_DIGITS: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = "0123456789abcdef".indexOf(String.fromCharCode(code).toLowerCase());
  return value === -1 ? NO_DIGIT : value;
});

type State = "size" | "content" | "content-end" | "trailers" | "done";

const CR = 13;
const LF = 10;

export class ChunkedDecoder {
  readonly #limits: HeadLimits;
  #state: State = "size";
  #line = "";
  #remaining = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #fields: string[] = [];

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** The trailer section once the message has ended: name, value, name, value, … */
  get trailers(): readonly string[] | null {
    return this.#state === "done" ? this.#fields : null;
  }

  /**
   * Reads framing up to the next content or the end of the bytes.
   * @returns the offset reached, and how many bytes of content stand there: the caller takes all of them.
   * @throws RequestError
   */
  step(bytes: Buffer, from: number): readonly [offset: number, content: number] {
    let offset = from;
    while (this.#state !== "done") {
      if (this.#state === "content") {
        const content = Math.min(this.#remaining, bytes.length - offset);
        this.#remaining -= content;
        if (this.#remaining === 0) this.#state = "content-end";
        return [offset, content];
      }
      if (offset === bytes.length) break;
      if (this.#state === "content-end") {
        // CR and LF may come in different reads: `#line` then holds the CR.
        if (bytes[offset] !== (this.#line === "" ? CR : LF)) throw badChunk("A chunk does not end with CRLF");
        offset++;
        if (this.#line === "") this.#line = "\r";
        else {
          this.#line = "";
          this.#state = "size";
        }
        continue;
      }
      offset =
        this.#state === "size" && this.#line === ""
          ? this.#readPlainSize(bytes, offset)
          : this.#readLine(bytes, offset);
    }
    return [offset, 0];
  }

  /** A whole size without extensions is read from the bytes. Every other line becomes text first: {@link #readLine}. */
  #readPlainSize(bytes: Buffer, from: number): number {
    let size = 0;
    let at = from;
    for (; at - from < MAX_SIZE_DIGITS; at++) {
      const digit = HEX_DIGITS[bytes[at] ?? 0] ?? NO_DIGIT;
      if (digit === NO_DIGIT) break;
      size = size * 16 + digit;
    }
    if (at === from || bytes[at] !== CR || bytes[at + 1] !== LF) return this.#readLine(bytes, from);
    this.#enterChunk(size);
    return at + 2;
  }

  #readLine(bytes: Buffer, from: number): number {
    const limit = this.#state === "size" ? MAX_CHUNK_LINE_BYTES + 2 : this.#limits.maxHeadBytes - this.#trailerBytes;
    const room = limit - this.#line.length;
    const newline = bytes.subarray(from, from + room).indexOf(LF);
    if (newline === -1) {
      const rest = bytes.toString("latin1", from, Math.min(bytes.length, from + room + 1));
      this.#line += rest;
      if (this.#line.length > limit) throw this.#lineTooLong();
      return from + rest.length;
    }
    const line = this.#line + bytes.toString("latin1", from, from + newline + 1);
    this.#line = "";
    if (!line.endsWith("\r\n")) throw badChunk("A line of the chunked coding does not end with CRLF");
    if (this.#state === "size") this.#readSize(line.slice(0, -2));
    else this.#readTrailer(line);
    return from + newline + 1;
  }

  #readSize(line: string): void {
    const match = CHUNK_LINE.exec(line);
    if (match === null) throw badChunk("A chunk size is malformed");
    const [, size = "", extensions = ""] = match;
    this.#extensionBytes += extensions.length;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) throw this.#lineTooLong();
    this.#enterChunk(Number.parseInt(size, 16));
  }

  #enterChunk(size: number): void {
    this.#remaining = size;
    this.#state = size === 0 ? "trailers" : "content";
  }

  /** @param line with its CRLF. */
  #readTrailer(line: string): void {
    if (line === "\r\n") {
      this.#state = "done";
      return;
    }
    this.#trailerBytes += line.length;
    const field = readField(line, 0, line.length);
    if (field === null) throw new RequestError("BAD_TRAILER", "A trailer line is malformed");
    if (FORBIDDEN_TRAILERS.has(field.name)) {
      throw new RequestError(
        "BAD_TRAILER",
        "The trailer section has a field that belongs into the head (RFC 9110 section 6.5.1)",
      );
    }
    this.#fields.push(field.name, field.value);
    if (this.#fields.length > 2 * this.#limits.maxFields) throw this.#lineTooLong();
  }

  #lineTooLong(): RequestError {
    return this.#state === "size"
      ? new RequestError("CHUNK_EXTENSIONS_TOO_LARGE", "The chunk sizes and extensions are too long")
      : new RequestError("TRAILERS_TOO_LARGE", "The trailer section is too large");
  }
}

function badChunk(message: string): RequestError {
  return new RequestError("BAD_CHUNK", `${message} (RFC 9112 section 7.1)`);
}
