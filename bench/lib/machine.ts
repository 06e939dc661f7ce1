/** Describes the machine of a measurement, and reasons to doubt it. */
import { spawnSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { findProgram } from "../../scripts/lib/machine.ts";

/** A load average of the last minute above this means that other processes are running. */
const QUIET_LOAD = 0.5;

export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** One core for the server and another for the load; `null` if processes cannot be pinned or there is only one core. */
export function chooseCores(): Cores | null {
  return TASKSET !== null && availableParallelism() > 1 ? { server: 0, load: 1 } : null;
}

/** The arguments of a command that runs on one core. */
export function pinned(core: number | null, program: string, args: readonly string[]): [string, ...string[]] {
  return core === null || TASKSET === null ? [program, ...args] : [TASKSET, "-c", String(core), program, ...args];
}

/** Moves this process, with all its threads, to the core of the load. */
export function pinSelf(core: number): void {
  if (TASKSET !== null) spawnSync(TASKSET, ["-a", "-c", "-p", String(core), String(process.pid)], { stdio: "ignore" });
}

const TASKSET = process.platform === "linux" ? findProgram(["taskset"], process.env) : null;

/** In one line. */
export function describeMachine(): string {
  const processors = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`;
  const load = (loadavg()[0] ?? 0).toFixed(2);
  return `${processors.length} × ${processors[0]?.model.trim() ?? "?"}, ${memory}, ${process.platform} ${process.arch}, Node ${process.versions.node}, load average ${load}`;
}

/** Reasons to doubt the measurements, one sentence each. */
export function doubts(cores: Cores | null): readonly string[] {
  const load = loadavg()[0] ?? 0;
  const found: string[] = [];
  if (load > QUIET_LOAD) {
    found.push(
      `The load average was ${load.toFixed(2)} before the start, so other processes were running. Requests per second are unreliable; ` +
        "processor time per request is less affected, but caches were shared too.",
    );
  }
  if (cores === null)
    found.push("Server and load were not pinned to separate cores: taskset is missing, or there is only one core.");
  return found;
}
