/** Formats measurements as Markdown tables. */
import type { Measurement } from "./measure.ts";
import { median } from "./statistics.ts";

/**
 * Medians, and ratios of CPU to other servers: medians of the ratios of each round, because the rounds differ more than the servers
 * within one.
 */
export function compare(
  measurements: ReadonlyMap<string, readonly Measurement[]>,
  bases: readonly string[],
): readonly (readonly string[])[] {
  const found = bases.filter((base) => measurements.has(base));
  const idle = [...measurements.values()].flat().some(({ bytesPerIdleConnection: bytes }) => bytes !== null);
  const header = ["", "CPU µs/request", ...found.map((base) => `× ${base}`), "requests/s", "p99 ms", "core busy"];
  if (idle) header.push("bytes/idle connection");
  const rows = [...measurements].map(([name, list]) => {
    const of = (value: (one: Measurement) => number | null) => median(list.map((one) => value(one) ?? Number.NaN));
    const cells = [name, significant(of((one) => one.cpuMicrosecondsPerRequest))];
    for (const base of found) cells.push(median(ratios(list, measurements.get(base) ?? [])).toFixed(2));
    cells.push(whole(of((one) => one.requestsPerSecond)), significant(of(({ p99Ms }) => p99Ms)));
    cells.push(`${(of(({ busy }) => busy) * 100).toFixed(0)}%`);
    if (idle) cells.push(whole(of((one) => one.bytesPerIdleConnection)));
    return cells;
  });
  return withRule(header, rows);
}

function ratios(list: readonly Measurement[], base: readonly Measurement[]): readonly number[] {
  return list.map(
    (one, round) => one.cpuMicrosecondsPerRequest / (base[round]?.cpuMicrosecondsPerRequest ?? Number.NaN),
  );
}

/** Texts in the first column, numbers in the others. */
export function withRule(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): readonly (readonly string[])[] {
  return [header, header.map((_title, index) => (index === 0 ? "---" : "---:")), ...rows];
}

export function significant(value: number): string {
  return Number.isNaN(value) ? "–" : value.toLocaleString("en-GB", { maximumSignificantDigits: 3 });
}

export function whole(value: number): string {
  return Number.isNaN(value) ? "–" : Math.round(value).toLocaleString("en-GB");
}

export function markdown(lines: readonly (readonly string[])[]): string {
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}
