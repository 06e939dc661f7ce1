/**
 * Keeps browsers up to date under `--watch`. Pages get a script, which listens to an event stream: it swaps a changed style sheet,
 * and reloads the page after any other change and after a restart. A page is stamped with the version that it shows, so that it also
 * reloads where the change came before the script ran.
 */
import type { Exchange, Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { eventStream, type ServerSentEvent } from "@tsgi/gateway-spec/events";
import { isPromiseLike } from "@tsgi/gateway-spec/server-kit";
import { splitUrl } from "../static-files/request-path.ts";
import { type FilesChanged, RESERVED_PATH } from "./messages.ts";
import { readFields, withScript } from "./page-script.ts";
import { RELOAD_SCRIPT } from "./reload-script.ts";

/** How long a browser waits before it connects to the process that comes next. */
const RETRY_MS = 200;

/** How long a restart waits for running requests. */
const MAX_DRAIN_MS = 1000;

/** The same where none runs: a connection that was just accepted may bring one, which a busy machine reads late. */
const MIN_DRAIN_MS = 300;

export class LiveReload {
  #version: string;
  /** Each wakes one event stream. */
  readonly #listeners = new Set<(change: FilesChanged) => void>();
  /** Exchanges that are not complete. Event streams do not count: they end by themselves when the server drains, or are cut. */
  #running = 0;

  /** @param version differs from that of every earlier process. */
  constructor(version: string) {
    this.#version = version;
  }

  get shutdownTimeoutMs(): number {
    return this.#running === 0 ? MIN_DRAIN_MS : MAX_DRAIN_MS;
  }

  update(change: FilesChanged): void {
    this.#version = change.version;
    for (const listener of this.#listeners) listener(change);
  }

  /** The handler, with the script in the pages that it gives to browsers, and with what the script needs. */
  wrap(handler: Handler): Handler {
    return (request, exchange) => {
      const { rawPath, query } = splitUrl(request.url);
      if (rawPath === `${RESERVED_PATH}reload.js`) return SCRIPT;
      if (rawPath === `${RESERVED_PATH}reload`) return this.#stream(query.slice(1), exchange);
      const finished = this.#count(exchange);
      const version = this.#version;
      const finish = (given: OutgoingResponse) => {
        const page = readFields(given);
        if (page === null) return given;
        if (page.type.startsWith("text/event-stream")) finished();
        return isNavigation(request) ? withScript(page, version) : page.response;
      };
      const response = handler(request, exchange);
      return isPromiseLike(response) ? Promise.resolve(response).then(finish) : finish(response);
    };
  }

  /** @returns a function that stops to count the exchange before it is complete. */
  #count(exchange: Exchange): () => void {
    this.#running++;
    let counts = true;
    const finished = () => {
      if (counts) this.#running--;
      counts = false;
    };
    exchange.completed.then(finished, finished);
    return finished;
  }

  /** @param shown the version of the page that listens. */
  #stream(shown: string, { draining }: Exchange): OutgoingResponse {
    const events = new Events(this.#listeners);
    if (shown !== this.#version) events.add({ kind: "files-changed", version: this.#version, styles: null });
    return eventStream(events, { draining });
  }
}

/** The changes from now on, as events. Not a generator: its `return()` would wait for the next change. */
class Events implements AsyncIterableIterator<ServerSentEvent, undefined> {
  readonly #listeners: Set<(change: FilesChanged) => void>;
  readonly #events: ServerSentEvent[] = [{ retryMs: RETRY_MS }];
  #waiting: PromiseWithResolvers<undefined> | null = null;
  #ended = false;
  readonly add = (change: FilesChanged): void => {
    this.#events.push(toEvent(change));
    this.#waiting?.resolve(undefined);
  };

  constructor(listeners: Set<(change: FilesChanged) => void>) {
    this.#listeners = listeners;
    listeners.add(this.add);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    while (!this.#ended && this.#events.length === 0) {
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
    }
    const value = this.#events.shift();
    return this.#ended || value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  return(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    this.#ended = true;
    this.#listeners.delete(this.add);
    this.#waiting?.resolve(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }
}

function toEvent({ version, styles }: FilesChanged): ServerSentEvent {
  return styles === null
    ? { event: "reload", data: version }
    : { event: "styles", data: JSON.stringify({ version, styles }) };
}

const SCRIPT: OutgoingResponse = {
  status: 200,
  headers: { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" },
  body: RELOAD_SCRIPT,
};

/**
 * Whether the response is a document of a browser's window or frame. Not what a script fetches: it may put the text into a page.
 * Browsers send `Sec-Fetch-Dest` to hosts that they trust, such as localhost; elsewhere `Accept` decides.
 */
function isNavigation({ method, headers }: IncomingRequest): boolean {
  if (method !== "GET") return false;
  const destination = headers.get("sec-fetch-dest");
  if (destination !== null) return /^(?:document|iframe|frame)$/.test(destination);
  return headers.get("accept")?.includes("text/html") === true && !headers.has("x-requested-with");
}
