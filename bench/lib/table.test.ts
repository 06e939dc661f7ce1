import { expect, test } from "vitest";
import type { Measurement } from "./measure.ts";
import { compare, median, percentile, table } from "./table.ts";

test.each([
  [[3], 3],
  [[9, 1, 5], 5],
  [[4, 1, 3, 10], 3.5],
])("the median of %j is %d", (values, middle) => {
  expect(median(values)).toBe(middle);
});

const one = (requestsPerSecond: number, bytesPerIdleConnection: number | null = null): Measurement => ({
  requestsPerSecond,
  cpuMicrosecondsPerRequest: 1e6 / requestsPerSecond,
  p99Ms: null,
  busy: 1,
  bytesPerIdleConnection,
});

test("the table has ratios of medians to node:http and to the limit", () => {
  const rows = table(
    new Map([
      ["limit", [one(100_000), one(1), one(200_000)]],
      ["tsgi socket", [one(80_000)]],
      ["node:http", [one(50_000)]],
    ]),
  ).split("\n");
  expect(rows.slice(2)).toEqual([
    "| limit | 100,000 | 2.00 | 100% | 10.00 | 2.00 | 100% | 100% |",
    "| tsgi socket | 80,000 | 1.60 | 80% | 12.50 | 1.60 | 80% | 100% |",
    "| node:http | 50,000 | 1.00 | 50% | 20.00 | 1.00 | 50% | 100% |",
  ]);
});

test("the table has no ratio to a server that failed, and a separate column for idle connections", () => {
  const rows = table(new Map([["tsgi socket", [one(80_000, 4096)]]])).split("\n");
  expect(rows).toHaveLength(3);
  expect(rows[0]).toContain("bytes/idle connection");
  expect(rows[2]).toBe("| tsgi socket | 80,000 | – | – | 12.50 | – | – | 100% | 4,096 |");
});

test.each([
  [[1, 2, 3, 4], 0.5, 2],
  [[4, 3, 2, 1], 0.99, 4],
  [[7], 0.999, 7],
])("of %j, a share of %d does not exceed %d", (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});

test("the comparison has the medians of the ratios of each round, to the servers that took part", () => {
  const costs = (...values: readonly number[]) => values.map((cost) => one(1e6 / cost));
  const rows = compare(
    new Map([
      ["App", costs(10, 40, 20)],
      ["fastify", costs(20, 50, 40)],
    ]),
    ["fastify", "node:http"],
  );
  expect(rows).toEqual([
    ["", "CPU µs/request", "× fastify", "requests/s", "p99 ms"],
    ["---", "---:", "---:", "---:", "---:"],
    ["App", "20", "0.50", "50,000", "–"],
    ["fastify", "40", "1.00", "25,000", "–"],
  ]);
});
