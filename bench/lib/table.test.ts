import { expect, test } from "vitest";
import type { Measurement } from "./measure.ts";
import { median, percentile } from "./statistics.ts";
import { compare } from "./table.ts";

test.each([
  [[3], 3],
  [[9, 1, 5], 5],
  [[4, 1, 3, 10], 3.5],
])("the median of %j is %d", (values, middle) => {
  expect(median(values)).toBe(middle);
});

test.each([
  [[1, 2, 3, 4], 0.5, 2],
  [[4, 3, 2, 1], 0.99, 4],
  [[7], 0.999, 7],
])("of %j, a share of %d does not exceed %d", (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});

const idleCosts = (bytesPerIdleConnection: number | null, ...values: readonly number[]): readonly Measurement[] =>
  values.map((cost) => ({
    requestsPerSecond: 1e6 / cost,
    cpuMicrosecondsPerRequest: cost,
    p99Ms: null,
    busy: 1,
    bytesPerIdleConnection,
  }));
const costs = (...values: readonly number[]) => idleCosts(null, ...values);

test("the table has the medians of the ratios of each round, to the servers that took part", () => {
  const measured = new Map([
    ["App", costs(10, 40, 20)],
    ["fastify", costs(20, 50, 40)],
  ]);
  expect(compare(measured, ["fastify", "node:http"])).toEqual([
    ["", "CPU µs/request", "× fastify", "requests/s", "p99 ms", "core busy"],
    ["---", "---:", "---:", "---:", "---:", "---:"],
    ["App", "20", "0.50", "50,000", "–", "100%"],
    ["fastify", "40", "1.00", "25,000", "–", "100%"],
  ]);
});

test("the table has a column for idle connections where they were measured", () => {
  const measured = new Map([["App", idleCosts(4096, 10)]]);
  const [header, , row] = compare(measured, []);
  expect(header?.at(-1)).toBe("bytes/idle connection");
  expect(row?.at(-1)).toBe("4,096");
});
