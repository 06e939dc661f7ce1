/** Formats measurements as a Markdown table: medians, and their ratios to node:http and to the limit. */
import { BASELINE, LIMIT } from "../peers.ts";
import type { Measurement } from "./measure.ts";

type Row = { readonly name: string } & { readonly [Column in keyof Omit<Measurement, "p99Ms">]: number };

export function table(measurements: ReadonlyMap<string, readonly Measurement[]>): string {
  const rows = [...measurements].map(([name, list]) => medians(name, list));
  const baseline = rows.find(({ name }) => name === BASELINE);
  const limit = rows.find(({ name }) => name === LIMIT);
  const idle = rows.some((row) => !Number.isNaN(row.bytesPerIdleConnection));
  const lines = [
    [
      "server",
      "requests/s",
      "× node:http",
      "of the limit",
      "CPU µs/request",
      "× node:http",
      "of the limit",
      "core busy",
    ],
    ["---", "---:", "---:", "---:", "---:", "---:", "---:", "---:"],
    ...rows.map((row) => [
      row.name,
      Math.round(row.requestsPerSecond).toLocaleString("en-GB"),
      times(row.requestsPerSecond, baseline?.requestsPerSecond),
      percent(row.requestsPerSecond, limit?.requestsPerSecond),
      row.cpuMicrosecondsPerRequest.toFixed(2),
      times(baseline?.cpuMicrosecondsPerRequest, row.cpuMicrosecondsPerRequest),
      percent(limit?.cpuMicrosecondsPerRequest, row.cpuMicrosecondsPerRequest),
      percent(row.busy, 1),
    ]),
  ];
  if (idle) {
    const cells = ["bytes/idle connection", "---:", ...rows.map((row) => Math.round(row.bytesPerIdleConnection))];
    for (const [index, line] of lines.entries()) line.push(cells[index]?.toLocaleString("en-GB") ?? "");
  }
  return markdown(lines);
}

function medians(name: string, list: readonly Measurement[]): Row {
  return {
    name,
    requestsPerSecond: median(list.map((one) => one.requestsPerSecond)),
    cpuMicrosecondsPerRequest: median(list.map((one) => one.cpuMicrosecondsPerRequest)),
    busy: median(list.map((one) => one.busy)),
    bytesPerIdleConnection: median(list.map((one) => one.bytesPerIdleConnection ?? Number.NaN)),
  };
}

/** The middle value; for an even count, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const high = sorted[Math.floor(middle)] ?? Number.NaN;
  const low = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return (low + high) / 2;
}

/**
 * Medians, and ratios of CPU to other servers: medians of the ratios of each round, because the rounds differ more than the servers
 * within one.
 */
export function compare(
  measurements: ReadonlyMap<string, readonly Measurement[]>,
  bases: readonly string[],
): readonly (readonly string[])[] {
  const found = bases.filter((base) => measurements.has(base));
  const header = ["", "CPU µs/request", ...found.map((base) => `× ${base}`), "requests/s", "p99 ms"];
  const rows = [...measurements].map(([name, list]) => {
    const cells = [name, significant(median(list.map((one) => one.cpuMicrosecondsPerRequest)))];
    for (const base of found) cells.push(median(ratios(list, measurements.get(base) ?? [])).toFixed(2));
    cells.push(Math.round(median(list.map((one) => one.requestsPerSecond))).toLocaleString("en-GB"));
    cells.push(significant(median(list.map(({ p99Ms }) => p99Ms ?? Number.NaN))));
    return cells;
  });
  return [header, header.map((_title, index) => (index === 0 ? "---" : "---:")), ...rows];
}

function ratios(list: readonly Measurement[], base: readonly Measurement[]): readonly number[] {
  return list.map(
    (one, round) => one.cpuMicrosecondsPerRequest / (base[round]?.cpuMicrosecondsPerRequest ?? Number.NaN),
  );
}

export function significant(value: number): string {
  return Number.isNaN(value) ? "–" : value.toLocaleString("en-GB", { maximumSignificantDigits: 3 });
}

/** The least value that a share of the values, from 0 to 1, does not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function markdown(lines: readonly (readonly string[])[]): string {
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function times(value: number | undefined, other: number | undefined): string {
  return value === undefined || other === undefined ? "–" : (value / other).toFixed(2);
}

function percent(value: number | undefined, whole: number | undefined): string {
  return value === undefined || whole === undefined ? "–" : `${Math.round((value / whole) * 100)}%`;
}
