/**
 * Server-sent events (WHATWG HTML §9.2): an event stream as a response that ends when the server shuts down.
 *
 * @module @tsgi/gateway-spec/events
 */
import { textOfLast } from "./last-event-text.ts";
import { toHeaderView } from "./server-kit/fields.ts";
import { describe } from "./server-kit/handler-result.ts";
import { type BodySource, openBody } from "./server-kit/response-body.ts";
import type { HeaderFields, OutgoingResponse } from "./index.ts";

/** One event. Without `data` a browser dispatches nothing, but applies `id` and `retryMs`. */
export interface ServerSentEvent {
  /** Any text; each of its lines becomes a `data` line. */
  readonly data?: string;
  /** The type of the event, one line. Without it, browsers dispatch a `message` event. */
  readonly event?: string;
  /** A browser sends it as `Last-Event-ID` when it reconnects. One line; the empty string clears the last one. */
  readonly id?: string;
  /** How long a browser waits before it reconnects, in milliseconds. */
  readonly retryMs?: number;
  /** A comment, which browsers ignore. */
  readonly comment?: string;
}

/** When the stream ends, how it is kept open, and its header fields. */
export interface EventStreamOptions {
  /** `exchange.draining`: the stream ends when it aborts (TSGI-50), and browsers reconnect to the server that runs then. */
  readonly draining?: AbortSignal;
  /**
   * Sends an empty comment after this time without an event, in milliseconds, so that proxies do not time out. 0 disables it.
   * Default 15,000, as WHATWG HTML §9.2.7 recommends.
   */
  readonly keepAliveMs?: number;
  /** Further header fields. They replace `Content-Type` and `Cache-Control` of the stream. */
  readonly headers?: HeaderFields;
}

/**
 * A response that sends the events of `source`. A string is an event with this data. Its `Cache-Control` is `no-store, no-transform`:
 * a proxy that compresses the stream would hold events back (RFC 9111 §5.2.2.6).
 *
 * ```ts
 * const application: Handler = (_request, { draining }) => eventStream(ticks(), { draining });
 * ```
 */
export function eventStream(
  source: AsyncIterable<ServerSentEvent | string>,
  { draining, keepAliveMs = 15_000, headers }: EventStreamOptions = {},
): OutgoingResponse {
  const fields = new Map([
    ["content-type", "text/event-stream"],
    ["cache-control", "no-store, no-transform"],
  ]);
  for (const [name] of toHeaderView(headers)) fields.delete(name);
  return {
    status: 200,
    headers: [...fields, ...toHeaderView(headers)],
    body: new EventStream(source, draining, keepAliveMs),
  };
}

/**
 * The text of an event.
 * @throws TypeError if `event` or `id` has a line break or a NUL, or `retryMs` is not a whole number.
 */
export function formatEvent({ data, event, id, retryMs, comment }: ServerSentEvent): string {
  let text = "";
  if (comment !== undefined) text += lines("", comment);
  if (event !== undefined) text += `event: ${oneLine("event", event)}\n`;
  if (id !== undefined) text += `id: ${oneLine("id", id)}\n`;
  if (retryMs !== undefined) {
    if (!Number.isSafeInteger(retryMs) || retryMs < 0) {
      throw new TypeError(`retryMs of an event must be a whole number of milliseconds, not ${retryMs}`);
    }
    text += `retry: ${retryMs}\n`;
  }
  if (data !== undefined) text += lines("data", data);
  return `${text}\n`;
}

const KEEP_ALIVE = ":\n\n";

/** The longest time of node's timers, 24 days. They fire at once for a longer one, such as `Infinity`. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const DONE = { done: true, value: undefined } as const;

const NOTHING = (): void => undefined;

type Result = IteratorResult<string, undefined>;

/**
 * The open streams of each `draining` signal, with one listener for all of them: a signal walks its list of listeners whenever one is
 * added or removed, so one listener a stream would cost O(n²) for an event to n streams.
 */
const openStreams = new WeakMap<AbortSignal, Set<EventStream>>();

/** It creates as few objects for an event as it can: a broadcast to n streams creates n times as many in one turn. */
class EventStream implements AsyncIterableIterator<string, undefined> {
  readonly #source: BodySource;
  readonly #draining: AbortSignal | undefined;
  readonly #keepAliveMs: number;
  #state: "new" | "open" | "ended" = "new";
  /** The pull that waits, and what settles it. */
  #pull: Promise<Result> | null = null;
  #resolve: (result: Result) => void = NOTHING;
  #reject: (error: Error) => void = NOTHING;
  /** Whether the source was asked and has not replied: a comment in between does not ask again. */
  #asked = false;
  /** What the source replied while no pull waited. */
  #reply: Result | Error | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: AsyncIterable<ServerSentEvent | string>, draining: AbortSignal | undefined, keepAliveMs: number) {
    // A source is read and released as a body is, whatever its chunks.
    this.#source = openBody(source as AsyncIterable<string>);
    this.#draining = draining;
    this.#keepAliveMs = keepAliveMs;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#pull !== null) {
      const again = () => this.next();
      return this.#pull.then(again, again);
    }
    if (this.#state === "new") this.#open();
    if (this.#state === "open" && !this.#asked && this.#reply === null) this.#ask();
    const reply = this.#reply;
    if (reply !== null) {
      this.#reply = null;
      return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
    }
    if (this.#state === "ended") return Promise.resolve(DONE);
    this.#startTimer();
    this.#pull = new Promise(this.#wait);
    return this.#pull;
  }

  return(): Promise<Result> {
    if (this.#state !== "ended") this.#end(DONE);
    return Promise.resolve(DONE);
  }

  readonly #wait = (resolve: (result: Result) => void, reject: (error: Error) => void): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  #open(): void {
    this.#state = "open";
    const draining = this.#draining;
    if (draining === undefined) return;
    if (draining.aborted) {
      void this.return();
      return;
    }
    let streams = openStreams.get(draining);
    if (streams === undefined) {
      const all = new Set<EventStream>();
      streams = all;
      openStreams.set(draining, all);
      draining.addEventListener("abort", () => {
        for (const stream of all) void stream.return();
      });
    }
    streams.add(this);
  }

  #end(reply: Result | Error): void {
    this.#state = "ended";
    clearTimeout(this.#timer);
    if (this.#draining !== undefined) openStreams.get(this.#draining)?.delete(this);
    this.#source.cancel(undefined);
    this.#settle(reply);
  }

  #ask(): void {
    this.#asked = true;
    try {
      Promise.resolve(this.#source.next()).then(this.#receive, this.#fail);
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #receive = (result: { readonly done?: boolean | undefined; readonly value?: unknown }): void => {
    this.#asked = false;
    if (this.#state === "ended") return;
    if (result.done === true) {
      this.#end(DONE);
      return;
    }
    try {
      this.#settle({ done: false, value: toText(result.value) });
    } catch (error) {
      this.#fail(error);
    }
  };

  readonly #fail = (error: unknown): void => {
    this.#asked = false;
    if (this.#state === "ended") return;
    this.#end(error instanceof Error ? error : new Error("The source of the events failed", { cause: error }));
  };

  #settle(reply: Result | Error): void {
    if (this.#pull === null) {
      this.#reply = reply;
      return;
    }
    this.#pull = null;
    if (reply instanceof Error) this.#reject(reply);
    else this.#resolve(reply);
  }

  #startTimer(): void {
    if (this.#keepAliveMs <= 0) return;
    if (this.#timer !== undefined) {
      this.#timer.refresh();
      return;
    }
    this.#timer = setTimeout(
      () => {
        if (this.#pull !== null) this.#settle({ done: false, value: KEEP_ALIVE });
      },
      Math.min(this.#keepAliveMs, MAX_TIMER_MS),
    );
  }
}

function toText(event: unknown): string {
  if (typeof event === "string") return textOfLast(event, formatData);
  if (typeof event === "object" && event !== null) return formatEvent(event);
  throw new TypeError(`An event must be a string or an object such as { data: "text" }, not ${describe(event)}`);
}

function formatData(data: string): string {
  return formatEvent({ data });
}

function lines(field: string, text: string): string {
  if (!/[\r\n]/.test(text)) return `${field}: ${text}\n`;
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `${field}: ${line}\n`)
    .join("");
}

function oneLine(field: string, text: string): string {
  if (/[\r\n\0]/.test(text)) {
    throw new TypeError(`The ${field} of an event must be one line without NUL, not ${JSON.stringify(text)}`);
  }
  return text;
}
