/** A process with its descendants, as /proc has them (proc(5)). */
import { readFileSync } from "node:fs";

/** The unit of /proc/PID/stat: USER_HZ, which is 100 on every Linux that Node runs on. */
const MILLISECONDS_PER_TICK = 10;

/** The ids of a process and of its descendants. */
export function processTree(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap((child) => processTree(child))];
}

/** User and system time of a process, of all its threads, and of children that have ended. */
export function cpuMilliseconds(pid: number): number {
  // After the name, which is in parentheses and may contain anything: utime, stime, cutime and cstime are fields 14 to 17.
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  return sum(fields.slice(11, 15).map(Number)) * MILLISECONDS_PER_TICK;
}

export function residentMegabytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) / 1024;
}

/** Pages that several processes share count in parts, so the sum over processes is what they take together. */
export function proportionalMegabytes(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1"))?.[1]) / 1024;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
