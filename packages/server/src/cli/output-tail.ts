/** The end of what a process writes, for the page about its failure. */
import type { Readable } from "node:stream";

/** How much is kept, in characters. */
const MAX_LENGTH = 16_384;

/** How long the end of the stream may come after that of the process, which may have left processes of its own behind. */
const END_MS = 200;

export class OutputTail {
  #text = "";
  readonly #ended: Promise<unknown>;

  constructor(stream: Readable | null) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#ended = promise;
    if (stream === null) resolve(undefined);
    stream?.setEncoding("utf8");
    stream?.on("data", (text: string) => {
      this.#text = (this.#text + text).slice(-MAX_LENGTH);
    });
    stream?.once("end", () => {
      resolve(undefined);
    });
  }

  /** Called after the process has ended. */
  async read(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(resolve, END_MS, undefined);
    await Promise.race([this.#ended, promise]);
    clearTimeout(timer);
    return this.#text;
  }
}
