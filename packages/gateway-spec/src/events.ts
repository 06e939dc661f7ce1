/** Server-sent events (WHATWG HTML §9.2): an event stream as a response, and one that ends itself when the server shuts down. */
import { toHeaderView } from "./server-kit/fields.ts";
import type { HeaderFields, OutgoingResponse } from "./index.ts";

/** One event. Without `data` a browser dispatches nothing, but takes note of `id` and `retryMs`. */
export interface ServerSentEvent {
  /** Any text; each of its lines becomes a `data` line. */
  readonly data?: string;
  /** The event's type, one line. Browsers take `message` where there is none. */
  readonly event?: string;
  /** What a browser sends as `Last-Event-ID` when it connects again. One line; empty forgets the last one. */
  readonly id?: string;
  /** How long a browser waits before it connects again, in milliseconds. */
  readonly retryMs?: number;
  /** A remark that browsers skip. */
  readonly comment?: string;
}

export interface EventStreamOptions {
  /** The exchange's: the stream ends when it aborts (TSGI-50), and browsers connect again, to whoever serves then. */
  readonly draining?: AbortSignal;
  /** After so long a silence an empty comment is sent, so that nobody between takes the connection for dead. 0 is never. Default 15,000. */
  readonly keepAliveMs?: number;
  /** Further header fields; they win over those of the stream. */
  readonly headers?: HeaderFields;
}

/**
 * A response that sends what `source` gives, a text being an event with that data.
 *
 * ```ts
 * app.get("/time", (_request, exchange) => eventStream(ticks(), { draining: exchange.draining }));
 * ```
 */
export function eventStream(
  source: AsyncIterable<ServerSentEvent | string>,
  { draining, keepAliveMs = 15_000, headers }: EventStreamOptions = {},
): OutgoingResponse {
  const fields = new Map([
    ["content-type", "text/event-stream"],
    ["cache-control", "no-store"],
  ]);
  for (const [name] of toHeaderView(headers)) fields.delete(name);
  return {
    status: 200,
    headers: [...fields, ...toHeaderView(headers)],
    body: new EventStream(source, draining, keepAliveMs),
  };
}

/**
 * An event as it stands in the stream.
 * @throws TypeError where `event` or `id` hold a line break, `id` a NUL, or `retryMs` is no whole number.
 */
export function formatEvent({ data, event, id, retryMs, comment }: ServerSentEvent): string {
  let text = "";
  if (comment !== undefined) text += lines("", comment);
  if (event !== undefined) text += `event: ${oneLine("event", event)}\n`;
  if (id !== undefined) text += `id: ${oneLine("id", id)}\n`;
  if (retryMs !== undefined) {
    if (!Number.isSafeInteger(retryMs) || retryMs < 0) throw new TypeError(`retryMs is no whole number: ${retryMs}`);
    text += `retry: ${retryMs}\n`;
  }
  if (data !== undefined) text += lines("data", data);
  return `${text}\n`;
}

const KEEP_ALIVE = ":\n\n";
const DONE = { done: true, value: undefined } as const;

type Result = IteratorResult<string, undefined>;

class EventStream implements AsyncIterableIterator<string, undefined> {
  readonly #source: AsyncIterator<ServerSentEvent | string>;
  readonly #draining: AbortSignal | undefined;
  readonly #keepAliveMs: number;
  /** What was asked of the source and has not come yet: a comment in between does not ask again. */
  #asked: Promise<Result> | null = null;
  #ended = false;

  constructor(source: AsyncIterable<ServerSentEvent | string>, draining: AbortSignal | undefined, keepAliveMs: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#draining = draining;
    this.#keepAliveMs = keepAliveMs;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#ended) return Promise.resolve(DONE);
    if (this.#draining?.aborted === true) return this.return();
    this.#asked ??= this.#ask();
    const asked = this.#asked;
    return new Promise<Result>((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const settle = () => {
        clearTimeout(timer);
        this.#draining?.removeEventListener("abort", drain);
      };
      const drain = () => {
        settle();
        resolve(this.return());
      };
      this.#draining?.addEventListener("abort", drain);
      if (this.#keepAliveMs > 0) {
        timer = setTimeout(() => {
          settle();
          resolve({ done: false, value: KEEP_ALIVE });
        }, this.#keepAliveMs);
      }
      asked.then(
        (result) => {
          settle();
          if (this.#asked === asked) this.#asked = null;
          resolve(result);
          return undefined;
        },
        (error: unknown) => {
          settle();
          reject(error instanceof Error ? error : new Error("The source of the events failed", { cause: error }));
        },
      );
    });
  }

  /** Ends the stream, and lets the source go without waiting: a generator that waits itself would not hear of it before it is done. */
  return(): Promise<Result> {
    if (!this.#ended) {
      this.#ended = true;
      this.#asked?.catch(() => undefined);
      // oxlint-disable-next-line promise/prefer-await-to-then -- nobody waits for it
      this.#source.return?.().catch(() => undefined);
    }
    return Promise.resolve(DONE);
  }

  async #ask(): Promise<Result> {
    const result = await this.#source.next();
    if (result.done === true) {
      this.#ended = true;
      return DONE;
    }
    const { value } = result;
    return { done: false, value: formatEvent(typeof value === "string" ? { data: value } : value) };
  }
}

function lines(field: string, text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `${field}: ${line}\n`)
    .join("");
}

function oneLine(field: string, text: string): string {
  if (/[\r\n\0]/.test(text)) throw new TypeError(`The ${field} of an event must be one line: ${JSON.stringify(text)}`);
  return text;
}
