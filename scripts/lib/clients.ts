/** Clients of a site for a test under load. */
import { setTimeout as delay } from "node:timers/promises";

/** Repeats the work of several clients until they are stopped. Each one pauses between two turns, so that the load is bounded. */
export class RepeatingClients {
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>[] = [];

  /** Aborts when the clients are stopped. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /**
   * Adds a client.
   * @param work gets the number of its turn, from 1.
   * @param failed gets what `work` threw. Without it, `stop` rejects with that.
   */
  add(pauseMs: number, work: (turn: number) => Promise<void>, failed?: (error: unknown) => void): void {
    const run = async () => {
      for (let turn = 1; !this.stopped.aborted; turn++) {
        await (failed === undefined ? work(turn) : work(turn).catch(failed));
        await delay(pauseMs);
      }
    };
    this.#running.push(run());
  }

  /** Resolves when each client has ended its last turn. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.all(this.#running);
  }
}

export interface ClientRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: object;
  readonly timeoutMs: number;
}

/** Sends a request and reads the whole response. @returns its status. */
export async function statusOf(
  url: string,
  { method = "GET", headers, json, timeoutMs }: ClientRequest,
): Promise<number> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(json === undefined ? {} : { "content-type": "application/json" }) },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  await response.arrayBuffer();
  return response.status;
}

/** What a failure of `fetch` says, with its cause, which has the reason. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
