import { channel } from "node:diagnostics_channel";
import { afterEach, describe, expect, test } from "vitest";
import {
  addMetrics,
  BUCKETS,
  Collector,
  countersOf,
  type Metrics,
  NO_METRICS,
  observe,
  prometheusText,
} from "./metrics.ts";

const START = channel("tsgi.exchange.start");
const END = channel("tsgi.exchange.end");

function durations(labels: string, ...seconds: readonly number[]): Metrics["durations"] {
  const series = new Float64Array(BUCKETS.length + 2);
  for (const value of seconds) observe(series, value);
  return new Map([[labels, series]]);
}

describe("prometheusText", () => {
  test("counts a duration in its bucket and in each wider one, bounds included", () => {
    const text = prometheusText({ ...NO_METRICS, durations: durations('a="b"', 0.005, 0.006, 11) }, null);
    expect(text.split("\n").filter((line) => line.startsWith("http_server_request_duration_seconds"))).toEqual([
      ...[
        ["0.005", 1],
        ...["0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10"].map(
          (bound) => [bound, 2],
        ),
        ["+Inf", 3],
      ].map(([bound, count]) => `http_server_request_duration_seconds_bucket{a="b",le="${bound}"} ${count}`),
      'http_server_request_duration_seconds_sum{a="b"} 11.011',
      'http_server_request_duration_seconds_count{a="b"} 3',
    ]);
  });

  test("has each family once, with its type, and a line feed at the end", () => {
    const text = prometheusText(
      { ...NO_METRICS, activeRequests: 2, eventLoopIdleSeconds: 1.5 },
      { serving: 2, draining: 1 },
    );
    const types = text.match(/^# TYPE \S+/gm) ?? [];
    expect(new Set(types).size).toBe(types.length);
    expect(text).toContain("# TYPE http_server_active_requests gauge\nhttp_server_active_requests 2\n");
    expect(text).toContain('tsgi_workers{state="serving"} 2\ntsgi_workers{state="draining"} 1\n');
    expect(text).toContain('nodejs_eventloop_time_seconds_total{nodejs_eventloop_state="idle"} 1.5\n');
    expect(text).toMatch(/[^\n]\n$/);
  });
});

describe("addMetrics", () => {
  test("adds counters and gauges by their labels, and takes the longest delay", () => {
    const one = { ...NO_METRICS, durations: durations("x", 1), residentBytes: 5, eventLoopMaxDelaySeconds: 3 };
    const two = { ...NO_METRICS, durations: durations("x", 2), residentBytes: 6, eventLoopMaxDelaySeconds: 2 };
    const three = { ...NO_METRICS, durations: durations("y", 4) };
    expect(addMetrics([one, two, three])).toEqual({
      ...NO_METRICS,
      durations: new Map([...durations("x", 1, 2), ...durations("y", 4)]),
      residentBytes: 11,
      eventLoopMaxDelaySeconds: 3,
    });
    expect(one.durations).toEqual(durations("x", 1));
  });

  test("of a process that has ended the counters stay, and the gauges do not", () => {
    const last: Metrics = {
      ...NO_METRICS,
      durations: durations("x", 1),
      cpuSeconds: 2,
      activeRequests: 3,
      residentBytes: 4,
    };
    expect(countersOf(last)).toEqual({ ...NO_METRICS, durations: durations("x", 1), cpuSeconds: 2 });
  });
});

describe("Collector", () => {
  const collectors: Collector[] = [];
  afterEach(() => {
    for (const collector of collectors.splice(0)) collector.stop();
  });

  function collect(): Collector {
    const collector = new Collector();
    collectors.push(collector);
    return collector;
  }

  const event = (method: string, status: number | null, error: unknown = null, encrypted = false) => ({
    request: { method },
    exchange: { encrypted },
    status,
    error,
  });

  test("counts an exchange by method, scheme, status and error", () => {
    const collector = collect();
    const events = [
      event("GET", 200),
      event("GET", 200),
      event("POST", 500, { code: "RESPONSE_FAILED" }, true),
      event("GET", null, { code: "CLIENT_DISCONNECTED" }),
    ];
    for (const one of events) START.publish(one);
    expect(collector.metrics().activeRequests).toBe(4);
    for (const one of events) END.publish(one);
    const { durations, activeRequests } = collector.metrics();
    expect(activeRequests).toBe(0);
    expect([...durations.keys()]).toEqual([
      'http_request_method="GET",url_scheme="http",http_response_status_code="200"',
      'http_request_method="POST",url_scheme="https",http_response_status_code="500",error_type="RESPONSE_FAILED"',
      'http_request_method="GET",url_scheme="http",error_type="CLIENT_DISCONNECTED"',
    ]);
  });

  test("a client cannot make series: unknown methods are one", () => {
    const collector = collect();
    for (const method of ["A", "B", 'C"} 1']) {
      const one = event(method, 200);
      START.publish(one);
      END.publish(one);
    }
    expect([...collector.metrics().durations.keys()]).toEqual([
      'http_request_method="_OTHER",url_scheme="http",http_response_status_code="200"',
    ]);
  });

  test("the end of an exchange that began before it counts nothing", () => {
    const collector = collect();
    END.publish(event("GET", 200));
    expect(collector.metrics()).toMatchObject({ activeRequests: 0, durations: new Map() });
  });
});
