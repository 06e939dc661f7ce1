/** wrk: HTTP/1.1, as many requests as the server takes. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "../../scripts/lib/machine.ts";
import type { Workload } from "../workloads.ts";
import { track } from "./children.ts";
import type { Load, LoadGenerator, LoadResult } from "./load-generator.ts";
import { pinned } from "./machine.ts";

export class Wrk implements LoadGenerator {
  readonly name = "wrk";
  readonly #program: string;
  readonly #folder: string;

  private constructor(program: string, folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  /** @param folder for its scripts. @returns null if it is not installed. */
  static find(folder: string): Wrk | null {
    const program = findProgram(["wrk"], process.env);
    return program === null ? null : new Wrk(program, folder);
  }

  async run({ port, workload, seconds, core }: Load): Promise<LoadResult> {
    const script = join(this.#folder, `${workload.name}-${port}.lua`);
    await writeFile(script, luaScript(workload));
    const url = `${workload.transport === "tls" ? "https" : "http"}://127.0.0.1:${port}/`;
    const options = ["-t1", `-c${workload.connections}`, `-d${seconds}s`, "--latency", "-s", script, url];
    const [file, ...args] = pinned(core, this.#program, options);
    const running = promisify(execFile)(file, args, { timeout: seconds * 1000 + 10_000 });
    track(running.child);
    const { stdout } = await running;
    return parseReport(stdout, workload.status);
  }
}

/** wrk calls `wrk.format` once for a constant request, and the global `request` each time for a varying one. */
function luaScript({ writes }: Workload): string {
  const [only, ...others] = writes.map(luaString);
  if (only !== undefined && others.length === 0) return `wrk.format = function() return ${only} end\n`;
  return `local writes = { ${[only, ...others].join(", ")} }
local at = 0
request = function()
  at = at % #writes + 1
  return writes[at]
end
`;
}

/** JSON and Lua escape ASCII text in the same way. */
function luaString(text: string): string {
  return JSON.stringify(text);
}

const MILLISECONDS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

export function parseReport(report: string, status = 200): LoadResult {
  const requests = /^\s*(\d+) requests in /m.exec(report)?.[1];
  const perSecond = /^Requests\/sec:\s+([\d.]+)$/m.exec(report)?.[1];
  if (requests === undefined || perSecond === undefined) throw new Error(`unexpected output of wrk:\n${report}`);
  const lost = /^\s*Socket errors: .*$/m.exec(report)?.[0].trim();
  if (lost !== undefined) throw new Error(lost);
  const failed = /^\s*Non-2xx or 3xx responses: (\d+)$/m.exec(report);
  const expected = status < 400 ? undefined : requests;
  if (failed?.[1] !== expected) throw new Error(failed?.[0].trim() ?? `no response was a ${status}`);
  const [, p99, unit = ""] = /^\s*99%\s+([\d.]+)(us|ms|s|m)$/m.exec(report) ?? [];
  return {
    requests: Number(requests),
    requestsPerSecond: Number(perSecond),
    p99Ms: p99 === undefined ? null : Number(p99) * (MILLISECONDS[unit] ?? Number.NaN),
  };
}
