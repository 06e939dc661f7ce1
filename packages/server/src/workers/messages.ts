/** What the supervisor and a worker process send each other. Structured clones, so plain data only. */
import type { Start } from "../cli/start.ts";
import type { Metrics } from "../observe/metrics.ts";

export type ToWorker =
  /** Sent once, first. The listening socket is inherited: `start.config.fd` names it. */
  | { readonly kind: "start"; readonly start: Start; readonly heartbeatMs: number }
  /**
   * Stop accepting connections, finish what runs, exit with 0.
   * @param idleMs how long an idle connection may still bring a request: long for a reload, short for a stop.
   */
  | { readonly kind: "drain"; readonly idleMs?: number }
  /** Open the log files again. */
  | { readonly kind: "reopen" }
  /** To a process with threads: where does the thread stand that is stuck? */
  | { readonly kind: "stack" }
  | Broadcast;

export type FromWorker =
  /** The server listens. */
  | { readonly kind: "ready"; readonly url: string }
  /** The event loop turns. `requests` is how many the worker has taken so far; `metrics` is there with an operations port. */
  | { readonly kind: "heartbeat"; readonly requests: number; readonly metrics?: Metrics }
  /** The innermost frames of a thread that is stuck; `null` where they could not be read. */
  | { readonly kind: "stack"; readonly frames: readonly string[] | null }
  | Broadcast;

/** What a thread of a worker has posted to the BroadcastChannel {@link BROADCAST_CHANNEL}; it goes to all other workers. */
export interface Broadcast {
  readonly kind: "broadcast";
  readonly message: unknown;
}

/** The channel that reaches the threads of all workers of one supervisor. The framework's `workerTopics` uses it. */
export const BROADCAST_CHANNEL = "tsgi.topics";
