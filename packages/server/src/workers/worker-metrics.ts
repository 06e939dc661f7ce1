/** The metrics of all workers added up: of those that run, their last heartbeats; of those that have ended, their counters. */
import { addMetrics, countersOf, type Metrics, NO_METRICS } from "../observe/metrics.ts";
import type { WorkerEvents } from "./worker-process.ts";

export class WorkerMetrics {
  readonly #running = new Map<object, Metrics>();
  #ended: Metrics = NO_METRICS;

  /** The same events, read on their way. */
  watch(events: WorkerEvents): WorkerEvents {
    return {
      ...events,
      heartbeat: (requests, metrics) => {
        if (metrics !== undefined) this.#running.set(events, metrics);
        events.heartbeat(requests, metrics);
      },
      exit: (exit) => {
        const last = this.#running.get(events);
        if (last !== undefined) this.#ended = addMetrics([this.#ended, countersOf(last)]);
        this.#running.delete(events);
        events.exit(exit);
      },
    };
  }

  sum(): Metrics {
    return addMetrics([this.#ended, ...this.#running.values()]);
  }
}
