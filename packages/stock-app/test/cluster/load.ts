/**
 * Clients that write until they are stopped, and remember what was acknowledged. A write that failed is tried again: its key is the
 * client's own, so that a second try of a write that was committed is refused as a duplicate, which acknowledges it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { reasonOf, RepeatingClients, statusOf } from "../../../../scripts/lib/clients.ts";

/** Between two requests of a client, so that the load is bounded. */
const PAUSE_MS = 10;
const RETRY_MS = 50;
/** A client gives up a request after this time and tries again. */
const TIMEOUT_MS = 10_000;

export interface Failure {
  readonly request: string;
  /** The status, or the message of the error where no response came. */
  readonly outcome: string;
}

export interface Phase {
  readonly name: string;
  acknowledged: number;
  /** The longest time without an acknowledgement, of all clients together. */
  longestGapMs: number;
  readonly failures: Failure[];
}

export class Load {
  /** The names of users whose insert was acknowledged. */
  readonly users = new Set<string>();
  /** The last note that was acknowledged, by the code of the stock. */
  readonly notes = new Map<string, string>();
  readonly #origin: string;
  readonly #cookie: string;
  readonly #clients = new RepeatingClients();
  /** Requests without a response. */
  readonly #attempts = new Set<Promise<unknown>>();
  #phase: Phase = newPhase("start");
  #lastAt = performance.now();
  #wake = Promise.withResolvers<undefined>();

  /** @param cookie of a session that may add users. @param codes of stocks that are followed: one writer of notes for each. */
  constructor(origin: string, cookie: string, codes: readonly string[], writers: number) {
    this.#origin = origin;
    this.#cookie = cookie;
    for (let i = 0; i < writers; i++) this.#clients.add(PAUSE_MS, (n) => this.#addUser(`writer ${i} user ${n}`));
    for (const code of codes) this.#clients.add(PAUSE_MS, (n) => this.#setNote(code, `note ${n}`));
    this.#clients.add(PAUSE_MS, () => this.#read("/index.html"));
  }

  /** Runs `work` under the load, and goes on until `acknowledgements` more writes are acknowledged. */
  async during(name: string, acknowledgements: number, work: () => Promise<unknown>): Promise<Phase> {
    const phase = newPhase(name);
    this.#phase = phase;
    await work();
    const goal = phase.acknowledged + acknowledgements;
    while (phase.acknowledged < goal) await this.#wake.promise;
    // What was sent in this phase fails in this phase.
    await Promise.all(this.#attempts);
    return phase;
  }

  /** Resolves when each client has the response to its last request. */
  stop(): Promise<void> {
    return this.#clients.stop();
  }

  async #addUser(name: string): Promise<void> {
    const status = await this.#send("POST", "/api/users", { name });
    if (status !== 201 && status !== 409) return;
    this.users.add(name);
    this.#acknowledged();
  }

  async #setNote(code: string, note: string): Promise<void> {
    const status = await this.#send("PATCH", `/api/followed/${code}`, { note });
    if (status !== 200) return;
    this.notes.set(code, note);
    this.#acknowledged();
  }

  async #read(path: string): Promise<void> {
    await this.#send("GET", path);
  }

  #acknowledged(): void {
    const now = performance.now();
    this.#phase.acknowledged++;
    this.#phase.longestGapMs = Math.max(this.#phase.longestGapMs, now - this.#lastAt);
    this.#lastAt = now;
    this.#wake.resolve(undefined);
    this.#wake = Promise.withResolvers();
  }

  /** Tries until a response is not the failure of a server. @returns its status. */
  async #send(method: string, path: string, json?: object): Promise<number> {
    const request = { method, headers: { cookie: this.#cookie }, ...(json && { json }), timeoutMs: TIMEOUT_MS };
    for (;;) {
      const attempt = statusOf(this.#origin + path, request).catch(reasonOf);
      this.#attempts.add(attempt);
      const outcome = await attempt;
      this.#attempts.delete(attempt);
      if (typeof outcome === "number" && outcome < 500) return outcome;
      this.#phase.failures.push({ request: `${method} ${path}`, outcome: String(outcome) });
      await delay(RETRY_MS);
    }
  }
}

function newPhase(name: string): Phase {
  return { name, acknowledged: 0, longestGapMs: 0, failures: [] };
}

/** A client of an event stream that reconnects as a browser does. */
export class EventClient {
  /** The id of the last event. */
  lastId: string | null = null;
  connections = 0;
  readonly #left = new AbortController();
  readonly #ended: Promise<void>;

  constructor(url: string) {
    this.#ended = this.#run(url);
  }

  async close(): Promise<void> {
    this.#left.abort();
    await this.#ended;
  }

  async #run(url: string): Promise<void> {
    const { signal } = this.#left;
    while (!signal.aborted) {
      const headers = this.lastId === null ? {} : { "last-event-id": this.lastId };
      try {
        const { body } = await fetch(url, { headers, signal });
        this.connections++;
        let text = "";
        const decoder = new TextDecoder();
        for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
          text += decoder.decode(piece, { stream: true });
          const events = text.split("\n\n");
          text = events.pop() ?? "";
          for (const event of events) this.lastId = /^id: (.*)$/m.exec(event)?.[1] ?? this.lastId;
        }
      } catch {
        // Connects again.
      }
      await delay(RETRY_MS);
    }
  }
}
