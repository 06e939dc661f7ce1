/** A body that a callback interface pushes and a server pulls. */
export class Pieces implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #onDrop: () => void;
  #queue: Uint8Array[] = [];
  #ended = false;
  #error: Error | null = null;
  #onTaken: (() => void)[] = [];
  #wake: (() => void) | null = null;

  /** @param onDrop called when the reader stops before the end. */
  constructor(onDrop: () => void) {
    this.#onDrop = onDrop;
  }

  push(piece: Uint8Array): void {
    this.#queue.push(piece);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(error: Error): void {
    if (this.#ended) return;
    this.#error = error;
    this.#taken();
    this.#wake?.();
  }

  /** Calls back when the reader has pulled every piece, or the body has failed. */
  whenTaken(taken: () => void): void {
    if (this.#queue.length === 0 || this.#error !== null) taken();
    else this.#onTaken.push(taken);
  }

  isEmpty(): boolean {
    return this.#ended && this.#queue.length === 0;
  }

  /** The whole body if it has ended, before the first pull; else `null`. */
  whole(): Uint8Array | null {
    if (!this.#ended) return null;
    const whole = Buffer.concat(this.#queue);
    this.#queue = [];
    return whole;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      if (this.#error !== null) throw this.#error;
      const value = this.#queue.shift();
      if (value !== undefined) {
        if (this.#queue.length === 0) this.#taken();
        return { done: false, value };
      }
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#onDrop();
    return Promise.resolve({ done: true, value: undefined });
  }

  #taken(): void {
    for (const taken of this.#onTaken.splice(0)) taken();
  }
}
