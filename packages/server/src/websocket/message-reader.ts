/**
 * Reads messages (RFC 6455 §5.2) in place of the receiver of ws, which has the bytes pass through two streams and unmasks them one by
 * one. Control frames go to ws as they arrive, and so does the beginning of a frame that violates the protocol: ws fails the
 * connection.
 *
 * CPU of an echo, in that of bare ws (paired runs): 64 KB on 100 sockets 0.57, without this file 1.15; 16 bytes 0.78 to 0.91, without
 * it 1.08. Without this file the transport takes the messages that ws reads.
 */
import { isUtf8 } from "node:buffer";

const FIN = 0x80;
const RSV = 0x70;
const OPCODE = 0x0f;
const MASKED = 0x80;
const LENGTH = 0x7f;

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PONG = 10;

/** RFC 6455 §5.5: the longest content of a control frame. */
const MAX_CONTROL_BYTES = 125;

/** More than any limit. */
const TOO_LONG = 2 ** 40;

/** What is allocated for a message before its content arrives. */
const FIRST_ALLOCATION_BYTES = 128 * 1024;

/** From this length on, a view on the words saves more than it costs. */
const MIN_BYTES_FOR_WORDS = 32;

export interface MessageReaderOptions {
  readonly maxMessageBytes: number;
  /** Called with each message: a string if it is text. The bytes may be overwritten after the call. */
  readonly message: (data: string | Uint8Array) => void;
  /** Called with what ws has to read. It may keep the bytes. */
  readonly other: (bytes: Buffer) => void;
}

export class MessageReader {
  readonly #options: MessageReaderOptions;
  /** The beginning of a header whose rest has not arrived. */
  #header: Buffer | null = null;
  /** The message whose rest has not arrived. */
  #partial: PartialMessage | null = null;
  /** Bytes of a control frame that have not arrived. */
  #controlBytes = 0;
  #isCloseFrame = false;
  #isStopped = false;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  /** Reads what has arrived. Changes the bytes, and keeps none of them. */
  read(bytes: Buffer): void {
    let input = bytes;
    if (this.#header !== null) {
      input = Buffer.concat([this.#header, bytes]);
      this.#header = null;
    }
    let at = 0;
    while (at < input.length && !this.#isStopped) {
      if (this.#controlBytes > 0) at = this.#passOn(input, at);
      else if (this.#partial?.isInFrame === true) at = this.#continue(this.#partial, input, at);
      else at = this.#begin(input, at);
    }
  }

  /** Drops what still arrives. */
  stop(): void {
    this.#isStopped = true;
    this.#partial = null;
  }

  /** Reads a header, and the message behind it if all of it is there. @returns the index of the next byte to read. */
  #begin(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    if (available < 2) return this.#keepHeader(bytes, at);
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    const opcode = first & OPCODE;
    const isFinal = (first & FIN) !== 0;
    const shortLength = second & LENGTH;
    if ((first & RSV) !== 0 || (second & MASKED) === 0 || !this.#mayFollow(opcode, isFinal, shortLength)) {
      return this.#violated(bytes, at);
    }
    const headerBytes = shortLength < 126 ? 6 : shortLength === 126 ? 8 : 14;
    if (available < headerBytes) return this.#keepHeader(bytes, at);
    const length = shortLength < 126 ? shortLength : readLength(bytes, at + 2, headerBytes);
    if (opcode >= CLOSE) {
      this.#controlBytes = headerBytes + length;
      this.#isCloseFrame = opcode === CLOSE;
      return this.#passOn(bytes, at);
    }

    const start = at + headerBytes;
    const mask = bytes.readUInt32LE(start - 4);
    const partial = this.#partial;
    if ((partial?.length ?? 0) + length > this.#options.maxMessageBytes) {
      this.#fail(frameHeader(FIN | (partial?.opcode ?? opcode), TOO_LONG));
      return start;
    }
    if (partial === null && isFinal && start + length <= bytes.length) {
      const content = bytes.subarray(start, start + length);
      unmask(content, mask);
      this.#deliver(opcode, content);
      return start + length;
    }
    this.#partial ??= new PartialMessage(opcode);
    this.#partial.beginFrame(length, mask, isFinal);
    return this.#continue(this.#partial, bytes, start);
  }

  /** Whether a frame is permitted here (RFC 6455 §5.4, §5.5). */
  #mayFollow(opcode: number, isFinal: boolean, shortLength: number): boolean {
    if (opcode >= CLOSE) return opcode <= PONG && isFinal && shortLength <= MAX_CONTROL_BYTES;
    return this.#partial === null ? opcode === TEXT || opcode === BINARY : opcode === CONTINUATION;
  }

  /** Two bytes of a frame are enough for ws to see the violation, and the beginning of the message that they are in. */
  #violated(bytes: Buffer, at: number): number {
    const message = this.#partial === null ? [] : [frameHeader(this.#partial.opcode, 0)];
    this.#fail(Buffer.concat([...message, bytes.subarray(at, at + 2)]));
    return at;
  }

  /** @param cause frames for which ws fails the connection. */
  #fail(cause: Buffer): void {
    this.stop();
    this.#options.other(cause);
  }

  #keepHeader(bytes: Buffer, at: number): number {
    this.#header = Buffer.from(bytes.subarray(at));
    return bytes.length;
  }

  #passOn(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#controlBytes);
    this.#controlBytes -= end - at;
    // RFC 6455 §5.5.1: what follows a close frame is discarded.
    if (this.#isCloseFrame && this.#controlBytes === 0) this.stop();
    this.#options.other(Buffer.from(bytes.subarray(at, end)));
    return end;
  }

  #continue(partial: PartialMessage, bytes: Buffer, at: number): number {
    const end = partial.append(bytes, at);
    const content = partial.complete();
    if (content !== null) {
      this.#partial = null;
      this.#deliver(partial.opcode, content);
    }
    return end;
  }

  #deliver(opcode: number, content: Buffer): void {
    if (opcode === BINARY) this.#options.message(content);
    else if (isUtf8(content)) this.#options.message(content.toString());
    else this.#fail(Buffer.concat([frameHeader(FIN | TEXT, content.length), content]));
  }
}

/** A message that arrives in several reads or several frames. It has a buffer of its own. */
class PartialMessage {
  readonly opcode: number;
  #content: Buffer = Buffer.alloc(0);
  #read = 0;
  /** The present frame: where it begins and ends in the message, its mask, and whether it is the last one. */
  #start = 0;
  #end = 0;
  #mask = 0;
  #isFinal = false;

  constructor(opcode: number) {
    this.opcode = opcode;
  }

  /** Of all frames that have begun. */
  get length(): number {
    return this.#end;
  }

  get isInFrame(): boolean {
    return this.#read < this.#end;
  }

  beginFrame(length: number, mask: number, isFinal: boolean): void {
    this.#start = this.#end;
    this.#end += length;
    this.#mask = mask;
    this.#isFinal = isFinal;
    this.#reserve(Math.min(this.#end, this.#start + FIRST_ALLOCATION_BYTES));
  }

  /** @returns the index behind the bytes of the present frame. */
  append(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#end - this.#read);
    this.#reserve(this.#read + end - at);
    this.#read += bytes.copy(this.#content, this.#read, at, end);
    return end;
  }

  /** Unmasks a frame that is complete. @returns the message, or `null` if it is not complete. */
  complete(): Buffer | null {
    if (this.isInFrame) return null;
    unmask(this.#content.subarray(this.#start, this.#end), this.#mask);
    return this.#isFinal ? this.#content.subarray(0, this.#end) : null;
  }

  #reserve(sizeBytes: number): void {
    if (sizeBytes <= this.#content.length) return;
    const doubled = Math.max(sizeBytes, 2 * this.#content.length);
    const longer = Buffer.allocUnsafeSlow(this.#isFinal ? Math.min(doubled, this.#end) : doubled);
    this.#content.copy(longer, 0, 0, this.#read);
    this.#content = longer;
  }
}

function readLength(bytes: Buffer, at: number, headerBytes: number): number {
  return headerBytes === 8 ? bytes.readUInt16BE(at) : bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** The header of a frame for ws. The mask is zero, which leaves the content as it is. */
function frameHeader(first: number, length: number): Buffer {
  const header = Buffer.alloc(14);
  header[0] = first;
  header[1] = MASKED | 127;
  header.writeUIntBE(length, 4, 6);
  return header;
}

/**
 * RFC 6455 §5.3. Four bytes at once take a fifth of the time, measured on 64 KB.
 * @param mask the key as a number, its first byte lowest, as the processors that node runs on store it.
 */
function unmask(bytes: Buffer, mask: number): void {
  const { buffer, byteOffset, length } = bytes;
  let at = 0;
  if (length >= MIN_BYTES_FOR_WORDS) {
    while ((byteOffset + at) % 4 !== 0) unmaskByte(bytes, at++, mask);
    const shift = at * 8;
    const wordMask = shift === 0 ? mask | 0 : (mask >>> shift) | (mask << (32 - shift));
    const words = new Int32Array(buffer, byteOffset + at, (length - at) >>> 2);
    for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ wordMask;
    at += words.length * 4;
  }
  while (at < length) unmaskByte(bytes, at++, mask);
}

function unmaskByte(bytes: Buffer, at: number, mask: number): void {
  bytes[at] = (bytes[at] as number) ^ (mask >>> ((at & 3) * 8));
}
