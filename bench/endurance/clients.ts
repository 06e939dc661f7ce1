/** The clients of a site for a long time: most are well-behaved, some read slowly, and some vanish. Each one's load is bounded. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type ClientRequest, reasonOf, RepeatingClients, statusOf } from "../../scripts/lib/clients.ts";

const PAGES = ["/index.html", "/center.html", "/api/stocks?show=followed", "/static/style.css"];
/** A stock that the sample rows follow. */
const FOLLOWED = "000007";
const PAUSE_MS = 20;
/** A client that waits for no response is not slowed by a busy server, so its own pause must bound it. */
const VANISHING_PAUSE_MS = 500;
const TIMEOUT_MS = 30_000;

export interface Failure {
  readonly atMs: number;
  readonly what: string;
}

export class Clients {
  responses = 0;
  /** Requests without the expected response, of the clients that stay to the end. */
  readonly failures: Failure[] = [];
  /** The last note whose write was acknowledged. */
  note: string | null = null;
  readonly #origin: string;
  readonly #random: () => number;
  readonly #clients = new RepeatingClients();
  readonly #startedAt = performance.now();

  /** @param random numbers from 0 to below 1. */
  constructor(origin: string, random: () => number) {
    this.#origin = origin;
    this.#random = random;
    for (let i = 0; i < 4; i++) this.#repeat("page", () => this.#read(this.#pick(PAGES)));
    this.#repeat("new connection", () => this.#read("/index.html", { connection: "close" }));
    this.#repeat("write", () => this.#write());
    for (let i = 0; i < 4; i++) this.#repeat("events", () => this.#follow());
    this.#repeat("slow reader", () => this.#readSlowly());
    for (let i = 0; i < 2; i++) this.#repeat("vanishing", () => this.#vanish(), VANISHING_PAUSE_MS);
  }

  /** Resolves when each client has the response to its last request. */
  stop(): Promise<void> {
    return this.#clients.stop();
  }

  #repeat(kind: string, work: () => Promise<void>, pauseMs = PAUSE_MS): void {
    this.#clients.add(pauseMs, work, (error) => {
      this.failures.push({ atMs: performance.now() - this.#startedAt, what: `${kind}: ${reasonOf(error)}` });
    });
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }

  async #read(path: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#succeed(path, { headers });
  }

  async #write(): Promise<void> {
    const note = `note ${this.responses}`;
    await this.#succeed(`/api/followed/${FOLLOWED}`, { method: "PATCH", json: { note } });
    this.note = note;
  }

  async #succeed(path: string, request: Omit<ClientRequest, "timeoutMs">): Promise<void> {
    const status = await statusOf(this.#origin + path, { ...request, timeoutMs: TIMEOUT_MS });
    if (status !== 200) throw new Error(String(status));
    this.responses++;
  }

  /** Whether the last acknowledged note is in the database. */
  async isNoteStored(): Promise<boolean> {
    const response = await fetch(`${this.#origin}/api/followed/${FOLLOWED}`);
    return ((await response.json()) as { readonly note: string }).note === this.note;
  }

  /** Follows the events for some seconds, as a page does until the visitor leaves it. */
  async #follow(): Promise<void> {
    const leaves = AbortSignal.any([
      this.#clients.stopped,
      AbortSignal.timeout(1000 + Math.round(this.#random() * 4000)),
    ]);
    try {
      const response = await fetch(`${this.#origin}/events`, { signal: leaves });
      if (response.status !== 200) throw new Error(String(response.status));
      for await (const _ of (response.body ?? []) as AsyncIterable<Uint8Array>);
    } catch (error) {
      if (!leaves.aborted) throw error;
    }
    this.responses++;
  }

  async #readSlowly(): Promise<void> {
    const socket = await this.#open();
    socket.write(`GET /index.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("aborted due to timeout")));
    for await (const _ of socket) {
      socket.pause();
      await delay(50);
      socket.resume();
    }
    this.responses++;
  }

  /** Ends its connection at a moment of its choice: in the head, in the content, or in the response. */
  async #vanish(): Promise<void> {
    const socket = await this.#open();
    const request = this.#pick([
      "GET /index.ht",
      "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\nGET /center.html HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "POST /update/000007.html HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nnote=ha",
    ]);
    socket.write(request);
    await delay(this.#random() * 30);
    if (this.#random() < 0.5) socket.resetAndDestroy();
    else socket.destroy();
  }

  async #open(): Promise<Socket> {
    const { hostname, port } = new URL(this.#origin);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.on("error", () => undefined);
    return socket;
  }
}

/** Mulberry32: the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
