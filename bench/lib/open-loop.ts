/**
 * A client that sends at a fixed rate, however long the responses take: the time of a response counts from the moment at which its
 * request was due. A client that waits for each response sends fewer requests while a server is slow, and so hides the slow ones.
 */
import { HttpConnection } from "./http-connection.ts";

/** What remains when this time is over after the last request was due counts as lost. */
const MOST_DRAIN_MS = 10_000;

export interface Offer<Kind extends string> {
  readonly port: number;
  /** Requests per second. */
  readonly rate: number;
  readonly seconds: number;
  /** A request waits in the client while each of these has one in progress. */
  readonly connections: number;
  /** The request of each kind; each response must be a 200. */
  readonly requests: Readonly<Record<Kind, string>>;
  /** The kind of the nth request. */
  readonly kindOf: (n: number) => Kind;
}

export interface Served<Kind extends string> {
  /** Times of the responses to requests of each kind. */
  readonly milliseconds: Readonly<Record<Kind, readonly number[]>>;
  /** Responses per second, from the first request to the last response. */
  readonly perSecond: number;
  readonly lost: number;
  /** How late the client itself was for each request: not the server's fault, but part of the times. */
  readonly lateMilliseconds: readonly number[];
}

export async function sendAtRate<Kind extends string>(offer: Offer<Kind>): Promise<Served<Kind>> {
  const { port, rate, seconds, connections, requests, kindOf } = offer;
  const total = Math.round(rate * seconds);
  const idle = [...(await HttpConnection.openMany(connections, port))];
  const all = [...idle];
  const milliseconds = Object.fromEntries(Object.keys(requests).map((kind) => [kind, []])) as unknown as Record<
    Kind,
    number[]
  >;
  const lateMilliseconds: number[] = [];
  const ended = Promise.withResolvers<void>();
  const startedAt = performance.now();
  const dueAt = (n: number) => startedAt + (n * 1000) / rate;
  /** Requests of lower numbers are due, those below `sent` were given to a connection. */
  let due = 0;
  let sent = 0;
  let received = 0;
  let lastAt = startedAt;

  const converse = async (connection: HttpConnection) => {
    while (sent < due) {
      const n = sent;
      sent += 1;
      const kind = kindOf(n);
      const { status } = await connection.exchange(requests[kind]);
      if (status !== 200) throw new Error(`${kind}: the status was ${status}`);
      lastAt = performance.now();
      milliseconds[kind].push(lastAt - dueAt(n));
      received += 1;
    }
    idle.push(connection);
  };
  const tick = () => {
    const now = performance.now();
    for (; due < total && dueAt(due) <= now; due += 1) lateMilliseconds.push(now - dueAt(due));
    for (let waiting = due - sent; waiting > 0 && idle.length > 0; waiting -= 1) {
      const connection = idle.pop();
      if (connection !== undefined) converse(connection).catch(ended.reject);
    }
    if (received === total || now > dueAt(total) + MOST_DRAIN_MS) ended.resolve();
    // A timer would be up to a millisecond late.
    else setImmediate(tick);
  };
  tick();
  try {
    await ended.promise;
  } finally {
    for (const { socket } of all) socket.destroy();
  }
  const perSecond = received / ((lastAt - startedAt) / 1000);
  return { milliseconds, perSecond, lost: total - received, lateMilliseconds };
}
