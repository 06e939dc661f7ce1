/** A file that is gone when it is closed, and where the system allows it even when the process is killed. */
import { randomUUID } from "node:crypto";
import { open, unlink, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class TemporaryFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  /** Where the name is still there: Windows does not unlink a file that is open. */
  readonly #leftPath: string | null;
  size = 0;

  private constructor(handle: FileHandle, leftPath: string | null) {
    this.#handle = handle;
    this.#leftPath = leftPath;
  }

  /** @param folder default: the system's folder for temporary files. */
  static async create(folder: string = tmpdir()): Promise<TemporaryFile> {
    const path = join(folder, `tsgi-${randomUUID()}`);
    const handle = await open(path, "wx+", 0o600);
    try {
      await unlink(path);
      return new TemporaryFile(handle, null);
    } catch {
      return new TemporaryFile(handle, path);
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#handle.writeFile(bytes);
    this.size += bytes.byteLength;
  }

  /** The content from its beginning. Can be read more than once. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    let position = 0;
    while (position < this.size) {
      const buffer = Buffer.allocUnsafe(Math.min(64 * 1024, this.size - position));
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /**
   * Copies the content to a path that must not be taken.
   * @throws the system's error, `EEXIST` where there is a file already; nothing is left at the path then.
   */
  async copyTo(path: string): Promise<void> {
    const target = await open(path, "wx");
    try {
      for await (const bytes of this.read()) await target.writeFile(bytes);
      await target.close();
    } catch (error) {
      await target.close().catch(() => undefined);
      await unlink(path).catch(() => undefined);
      throw error;
    }
  }

  /** Closes the file, which removes it. A second call does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    if (this.#leftPath !== null) await unlink(this.#leftPath).catch(() => undefined);
  }
}
