/** Parts of an open file as a response body, read piece by piece at the pace of the client. */
import type { FileHandle } from "node:fs/promises";
import type { ByteRange } from "./ranges.ts";

/**
 * Bytes of one read, which stay in memory for each slow client. With the 64 KiB of fs.createReadStream, a file of 10 MB costs 1.1 times
 * the CPU.
 */
const READ_BYTES = 128 * 1024;

/**
 * Not a generator, because the `return()` of a generator waits for a pending `next()`: this one closes the file at once. The file
 * is closed once: at the end, after an error, or when the body is released.
 */
export class FileBody implements AsyncIterableIterator<Uint8Array> {
  readonly #handle: FileHandle;
  readonly #parts: readonly (Uint8Array | ByteRange)[];
  #part = 0;
  /** Bytes of the current range that have been read. */
  #readBytes = 0;
  #closing: Promise<void> | null = null;

  /** @param parts what to send, in order: bytes as they are, or ranges of the file. */
  constructor(handle: FileHandle, parts: readonly (Uint8Array | ByteRange)[]) {
    this.#handle = handle;
    this.#parts = parts;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws Error if the file has become shorter than Content-Length: the server must terminate the connection. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const part = this.#parts[this.#part];
    if (part === undefined || this.#closing !== null) return this.return();
    if (part instanceof Uint8Array) {
      this.#part++;
      return { done: false, value: part };
    }
    try {
      const position = part.first + this.#readBytes;
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, part.last + 1 - position));
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.byteLength, position);
      if (bytesRead === 0) throw new Error("The file became shorter while it was being sent");
      this.#readBytes += bytesRead;
      if (position + bytesRead > part.last) {
        this.#part++;
        this.#readBytes = 0;
      }
      return { done: false, value: bytesRead === buffer.byteLength ? buffer : buffer.subarray(0, bytesRead) };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  async return(): Promise<{ readonly done: true; readonly value: undefined }> {
    await (this.#closing ??= this.#handle.close());
    return { done: true, value: undefined };
  }
}
