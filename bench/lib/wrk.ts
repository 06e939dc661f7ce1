/** The load: wrk, for a bounded time, on a separate core. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Workload } from "../workloads.ts";
import { track } from "./children.ts";
import { pinned } from "./machine.ts";

/** Connections; each always has a request in progress. */
export const CONNECTIONS = 64;

export interface Load {
  readonly port: number;
  readonly workload: Workload;
  readonly seconds: number;
  readonly core: number | null;
}

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
}

export class Wrk {
  readonly #program: string;
  readonly #folder: string;

  /** @param folder for its scripts. */
  constructor(program: string, folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  /** @throws Error if a connection failed or a response was not 2xx. */
  async run({ port, workload, seconds, core }: Load): Promise<LoadResult> {
    const script = join(this.#folder, `${workload.name}-${port}.lua`);
    await writeFile(script, luaScript(workload));
    const url = `${workload.tls ? "https" : "http"}://127.0.0.1:${port}/`;
    const options = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-s", script, url];
    const [file, ...args] = pinned(core, this.#program, options);
    const running = promisify(execFile)(file, args, { timeout: seconds * 1000 + 10_000 });
    track(running.child);
    const { stdout } = await running;
    return parseReport(stdout);
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

export function parseReport(report: string): LoadResult {
  const errors = /^\s*(Socket errors|Non-2xx or 3xx responses): .*$/m.exec(report);
  if (errors !== null) throw new Error(errors[0].trim());
  const requests = /^\s*(\d+) requests in /m.exec(report)?.[1];
  const perSecond = /^Requests\/sec:\s+([\d.]+)$/m.exec(report)?.[1];
  if (requests === undefined || perSecond === undefined) throw new Error(`unexpected output of wrk:\n${report}`);
  return { requests: Number(requests), requestsPerSecond: Number(perSecond) };
}
