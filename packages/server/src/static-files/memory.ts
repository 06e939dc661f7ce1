/** What the folder's files were when last looked at, within a bound of bytes. */
import type { Resource } from "./resource.ts";

/** What an entry costs beside the file's bytes, roughly: its records, its strings, its place in the map. */
const ENTRY_BYTES = 1024;

/**
 * Evicts by second chance: a hit only sets a mark, and an entry that was hit since it was last passed over is passed over
 * again. That keeps a hit at one look-up; least-recently-used order would cost a deletion and an insertion each time.
 */
export class ResourceMemory {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, { readonly resource: Resource; readonly bytes: number; used: boolean }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(path: string): Resource | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.resource;
  }

  set(path: string, resource: Resource): void {
    this.delete(path);
    let bytes = ENTRY_BYTES;
    for (const { content, body } of resource.representations) {
      bytes += (content?.byteLength ?? 0) + (typeof body === "string" ? body.length : 0);
    }
    if (bytes > this.#maxBytes) return;
    this.#entries.set(path, { resource, bytes, used: false });
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes) this.#evict();
  }

  delete(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    this.#bytes -= entry.bytes;
  }

  #evict(): void {
    for (const [path, entry] of this.#entries) {
      this.delete(path);
      if (!entry.used) return;
      this.#entries.set(path, { ...entry, used: false });
      this.#bytes += entry.bytes;
    }
  }
}
