/** `wsgi.input`: the request content as a file that is read from memory. */

const LINE_FEED = 10;

/** Reads return Buffers, which are empty at the end of the content, as Python's `b""`. `toString()` decodes UTF-8. */
export class InputStream implements Iterable<Buffer> {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @param size the largest number of bytes to return. Default, and if it is negative: all that is left. */
  read(size = -1): Buffer {
    const end = size < 0 ? this.#bytes.byteLength : this.#offset + size;
    const piece = this.#bytes.subarray(this.#offset, end);
    this.#offset += piece.byteLength;
    return piece;
  }

  /**
   * The bytes up to the next line feed, which is included.
   * @param size the largest number of bytes to return. Default: no limit.
   */
  readline(size = -1): Buffer {
    const feed = this.#bytes.indexOf(LINE_FEED, this.#offset);
    const length = (feed === -1 ? this.#bytes.byteLength : feed + 1) - this.#offset;
    return this.read(size < 0 ? length : Math.min(size, length));
  }

  /** The lines that are left. @param hint reads no further line after this number of bytes. Default: no limit. */
  readlines(hint = -1): Buffer[] {
    const lines: Buffer[] = [];
    let length = 0;
    for (const line of this) {
      lines.push(line);
      length += line.byteLength;
      if (hint > 0 && length >= hint) break;
    }
    return lines;
  }

  *[Symbol.iterator](): Generator<Buffer, void, undefined> {
    for (let line = this.readline(); line.byteLength > 0; line = this.readline()) yield line;
  }
}
