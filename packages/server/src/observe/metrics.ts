/**
 * Counters of the requests of this process, in the names of OpenTelemetry's conventions
 * (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/), and of the process itself. A snapshot is plain data: a worker
 * sends it with its heartbeat, and the supervisor adds them up.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { METHODS } from "node:http";
import type { Server, Socket } from "node:net";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { ExchangeEvent } from "./exchange-events.ts";

/** Upper bounds in seconds, as the conventions advise for `http.server.request.duration`. */
export const BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** In a series, behind a count for each bucket and one for what is above them. */
const SUM: number = BUCKETS.length + 1;

/** Durations by the labels of the series, as Prometheus writes them. */
export type Durations = ReadonlyMap<string, Float64Array>;

export interface Metrics {
  readonly durations: Durations;
  readonly activeRequests: number;
  readonly openConnections: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  readonly eventLoopActiveSeconds: number;
  readonly eventLoopIdleSeconds: number;
  /** The longest delay of the event loop in the last 15 to 30 seconds. */
  readonly eventLoopMaxDelaySeconds: number;
}

export const NO_METRICS: Metrics = {
  durations: new Map(),
  activeRequests: 0,
  openConnections: 0,
  residentBytes: 0,
  cpuSeconds: 0,
  eventLoopActiveSeconds: 0,
  eventLoopIdleSeconds: 0,
  eventLoopMaxDelaySeconds: 0,
};

/** The sum of several processes; of the delays, the longest. */
export function addMetrics(all: readonly Metrics[]): Metrics {
  const durations = new Map<string, Float64Array>();
  for (const { durations: added } of all) {
    for (const [labels, values] of added) {
      const sums = durations.get(labels);
      if (sums === undefined) durations.set(labels, values.slice());
      else for (const [i, value] of values.entries()) sums[i] = (sums[i] ?? 0) + value;
    }
  }
  const sum = (value: (metrics: Metrics) => number) => all.reduce((total, metrics) => total + value(metrics), 0);
  return {
    durations,
    activeRequests: sum((metrics) => metrics.activeRequests),
    openConnections: sum((metrics) => metrics.openConnections),
    residentBytes: sum((metrics) => metrics.residentBytes),
    cpuSeconds: sum((metrics) => metrics.cpuSeconds),
    eventLoopActiveSeconds: sum((metrics) => metrics.eventLoopActiveSeconds),
    eventLoopIdleSeconds: sum((metrics) => metrics.eventLoopIdleSeconds),
    eventLoopMaxDelaySeconds: Math.max(0, ...all.map((metrics) => metrics.eventLoopMaxDelaySeconds)),
  };
}

/** What remains of a process that has ended: a counter that decreased would count as a restart of all (Prometheus, `rate`). */
export function countersOf({ durations, cpuSeconds, eventLoopActiveSeconds, eventLoopIdleSeconds }: Metrics): Metrics {
  return { ...NO_METRICS, durations, cpuSeconds, eventLoopActiveSeconds, eventLoopIdleSeconds };
}

/** How often the delay of the event loop is measured. */
const DELAY_RESOLUTION_MS = 20;
const DELAY_WINDOW_MS = 15_000;

/** Counts until it is stopped. Each request costs three events, and one key. */
export class Collector {
  readonly #durations = new Map<string, Float64Array>();
  readonly #startedAt = new WeakMap<object, number>();
  readonly #delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  #activeRequests = 0;
  #openConnections = 0;
  #windowStart = performance.now();
  #delayBefore = 0;

  constructor() {
    subscribe("tsgi.exchange.start", this.#started);
    subscribe("tsgi.exchange.end", this.#ended);
    subscribe("net.server.socket", this.#accepted);
    this.#delay.enable();
  }

  stop(): void {
    unsubscribe("tsgi.exchange.start", this.#started);
    unsubscribe("tsgi.exchange.end", this.#ended);
    unsubscribe("net.server.socket", this.#accepted);
    this.#delay.disable();
  }

  /** Does not count the connections of this server. */
  leaveOut(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#openConnections--;
      socket.once("close", () => {
        this.#openConnections++;
      });
    });
  }

  /** The counters go on: they are copied where they are sent to another process. */
  metrics(): Metrics {
    const { active, idle } = performance.eventLoopUtilization();
    const { user, system } = process.cpuUsage();
    return {
      durations: this.#durations,
      activeRequests: this.#activeRequests,
      openConnections: this.#openConnections,
      residentBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      eventLoopActiveSeconds: active / 1000,
      eventLoopIdleSeconds: idle / 1000,
      eventLoopMaxDelaySeconds: this.#maxDelaySeconds(),
    };
  }

  readonly #started = (message: unknown): void => {
    this.#activeRequests++;
    this.#startedAt.set(message as ExchangeEvent, performance.now());
  };

  readonly #ended = (message: unknown): void => {
    const event = message as ExchangeEvent;
    const startedAt = this.#startedAt.get(event);
    // It began before this did.
    if (startedAt === undefined) return;
    this.#activeRequests--;
    const key = labelsOf(event);
    let series = this.#durations.get(key);
    if (series === undefined) {
      series = new Float64Array(SUM + 1);
      this.#durations.set(key, series);
    }
    observe(series, (performance.now() - startedAt) / 1000);
  };

  readonly #accepted = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    this.#openConnections++;
    socket.once("close", () => {
      this.#openConnections--;
    });
  };

  /** The histogram's values have the interval between two measurements in them. */
  #maxDelaySeconds(): number {
    const now = performance.now();
    const current = Math.max(0, this.#delay.max / 1e9 - DELAY_RESOLUTION_MS / 1000);
    const max = Math.max(current, this.#delayBefore);
    if (now - this.#windowStart >= DELAY_WINDOW_MS) {
      this.#windowStart = now;
      this.#delayBefore = current;
      this.#delay.reset();
    }
    return max;
  }
}

export function observe(series: Float64Array, seconds: number): void {
  let bucket = 0;
  while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] ?? 0)) bucket++;
  series[bucket] = (series[bucket] ?? 0) + 1;
  series[SUM] = (series[SUM] ?? 0) + seconds;
}

/** The number of series must not depend on clients. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

function labelsOf({ request: { method }, exchange: { encrypted }, status, error }: ExchangeEvent): string {
  const labels = [
    `http_request_method="${KNOWN_METHODS.has(method) ? method : "_OTHER"}"`,
    `url_scheme="${encrypted ? "https" : "http"}"`,
  ];
  if (status !== null) labels.push(`http_response_status_code="${status}"`);
  if (error !== null) labels.push(`error_type="${(error as { readonly code?: unknown }).code as string}"`);
  return labels.join(",");
}

/** The text format of Prometheus, 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export function prometheusText(metrics: Metrics, workers: Readonly<Record<string, number>> | null): string {
  const lines: string[] = [];
  const family = (name: string, type: string, help: string, samples: readonly string[]) => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`));
  };
  const one = (name: string, type: string, help: string, value: number) => {
    family(name, type, help, [` ${value}`]);
  };

  family(
    "http_server_request_duration_seconds",
    "histogram",
    "From the call of the handler to the end of its response.",
    [...metrics.durations].flatMap(([labels, series]) => histogramSamples(labels, series)),
  );
  one("http_server_active_requests", "gauge", "Requests whose response is not complete.", metrics.activeRequests);
  one("tsgi_open_connections", "gauge", "Accepted connections that are open.", metrics.openConnections);
  if (workers !== null) {
    const samples = Object.entries(workers).map(([state, count]) => `{state="${state}"} ${count}`);
    family("tsgi_workers", "gauge", "Worker processes by state.", samples);
  }
  one("process_resident_memory_bytes", "gauge", "Resident memory of what serves.", metrics.residentBytes);
  one("process_cpu_seconds_total", "counter", "CPU time of what serves.", metrics.cpuSeconds);
  family("nodejs_eventloop_time_seconds_total", "counter", "Time of the event loop by state.", [
    `{nodejs_eventloop_state="active"} ${metrics.eventLoopActiveSeconds}`,
    `{nodejs_eventloop_state="idle"} ${metrics.eventLoopIdleSeconds}`,
  ]);
  one(
    "nodejs_eventloop_delay_max_seconds",
    "gauge",
    "Longest delay of the event loop in the last 15 to 30 seconds.",
    metrics.eventLoopMaxDelaySeconds,
  );
  return `${lines.join("\n")}\n`;
}

function histogramSamples(labels: string, series: Float64Array): readonly string[] {
  let count = 0;
  const buckets = [...BUCKETS, "+Inf"].map((bound, i) => {
    count += series[i] ?? 0;
    return `_bucket{${labels},le="${bound}"} ${count}`;
  });
  return [...buckets, `_sum{${labels}} ${series[SUM] ?? 0}`, `_count{${labels}} ${count}`];
}
