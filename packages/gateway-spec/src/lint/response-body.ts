/** Replaces a streamed body, to check what it yields and how the server reads it. */
import type { ReadableStreamLike } from "../index.ts";
import { openBody } from "../server-kit/response-body.ts";
import { type Reporter, show } from "./report.ts";
import { sameBytes } from "./request.ts";

type Pieces = AsyncIterable<Uint8Array | string> | ReadableStreamLike;

interface Result {
  readonly done?: boolean | undefined;
  readonly value?: unknown;
}

export interface BodyFacts {
  /** HEAD, 204, 205 or 304: the body must be released unread. */
  readonly withoutContent: boolean;
  /** The Content-Length of the head. */
  readonly contentLength: number | null;
  readonly aborted: () => boolean;
  readonly onClosed: () => void;
}

/** A streamed body with its checks, in the shape of the original. */
export function lintPieces(report: Reporter, body: Pieces, facts: BodyFacts): { body: Pieces; watch: BodyWatch } {
  const watch = new BodyWatch(report, facts);
  if (isStream(body)) {
    const getReader = () => {
      const reader = watch.open(() => body.getReader());
      return {
        read: () =>
          watch.pull(
            () => reader.read(),
            (error) => reader.cancel(error),
          ),
        cancel: (reason?: unknown) => {
          watch.release();
          return reader.cancel(reason);
        },
        releaseLock: () => {
          reader.releaseLock();
        },
      };
    };
    return { body: { getReader }, watch };
  }
  const open = (): AsyncIterator<Uint8Array | string> => {
    const source = watch.open(() => openBody(body));
    return {
      next: () =>
        watch.pull(
          () => source.next(),
          (error) => {
            source.cancel(error);
          },
        ) as Promise<IteratorResult<Uint8Array | string>>,
      return: () => {
        watch.release();
        source.cancel(undefined);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  };
  return { body: { [Symbol.asyncIterator]: open }, watch };
}

export function isStream(body: object): body is ReadableStreamLike {
  return "getReader" in body && typeof body.getReader === "function";
}

export class BodyWatch {
  readonly #report: Reporter;
  readonly #facts: BodyFacts;
  #ended = false;
  #failed = false;
  #released = false;
  #pulling = false;
  #bytes = 0;
  #last: Uint8Array | null = null;
  #copy: Uint8Array | null = null;

  constructor(report: Reporter, facts: BodyFacts) {
    this.#report = report;
    this.#facts = facts;
  }

  /** Whether it was read to its end, failed or was released. */
  get closed(): boolean {
    return this.#ended || this.#released;
  }

  /** Whether all content for the client was read. */
  get complete(): boolean {
    return (this.#ended && !this.#failed) || this.#facts.withoutContent;
  }

  open<T>(open: () => T): T {
    try {
      return open();
    } catch (error) {
      // For example, a locked stream.
      this.#close(true);
      throw error;
    }
  }

  async pull<R extends Result>(next: () => Promise<R>, cancel: (reason: unknown) => unknown): Promise<R> {
    if (this.#facts.withoutContent) this.#report.now("body-pulled-without-content", "a body that was read");
    if (this.#pulling) this.#report.now("body-pulled-concurrently", "a pull while another was pending");
    this.#pulling = true;
    let result: R;
    try {
      result = await next();
    } catch (error) {
      this.#close(true);
      throw error;
    } finally {
      this.#pulling = false;
    }
    try {
      this.#check(result);
    } catch (error) {
      // The server does not release a body that has thrown, so the lint releases the source.
      if (!this.closed) void Promise.resolve(cancel(error)).catch(() => undefined);
      this.#close(true);
      throw error;
    }
    return result;
  }

  release(): void {
    if (this.#ended) return;
    // Not thrown, because servers ignore the errors of a release.
    if (this.#released) this.#report.later("body-released-twice", "a second cancel() or return()");
    else if (!this.#facts.withoutContent && !this.#facts.aborted()) {
      this.#report.later("body-released-before-signal", "a release while signal had not aborted");
    }
    this.#released = true;
    this.#facts.onClosed();
  }

  #check({ done, value }: Result): void {
    const { contentLength } = this.#facts;
    if (this.#last !== null && this.#copy !== null && !sameBytes(this.#last, this.#copy)) {
      this.#report.now("response-body-chunk-reused", "a chunk that changed while the next one was produced");
    }
    if (done === true) {
      this.#close(false);
      if (contentLength !== null && this.#bytes < contentLength) {
        this.#report.now("response-content-length", `${contentLength} for a body of ${this.#bytes} bytes`);
      }
      return;
    }
    if (value instanceof Uint8Array) {
      this.#bytes += value.byteLength;
      this.#last = value;
      this.#copy = value.slice();
    } else if (typeof value === "string") this.#bytes += new TextEncoder().encode(value).byteLength;
    else this.#report.now("response-body-chunk", show(value));
    if (contentLength !== null && this.#bytes > contentLength) {
      this.#report.now("response-content-length", `${contentLength} for a body of ${this.#bytes} bytes or more`);
    }
  }

  #close(failed: boolean): void {
    this.#ended = true;
    this.#failed = failed;
    this.#facts.onClosed();
  }
}
