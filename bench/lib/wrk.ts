/** The load: wrk, for a bounded time, on a core of its own. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Workload } from "../workloads.ts";
import { track } from "./children.ts";
import { pinned } from "./machine.ts";

/** Connections that have a request under way at all times. */
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

  /** @param folder where its scripts go. */
  constructor(program: string, folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  /** @throws Error where a connection failed or an answer was not 2xx. */
  async run({ port, workload, seconds, core }: Load): Promise<LoadResult> {
    const script = join(this.#folder, `${workload.name}.lua`);
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

/** wrk asks `wrk.format` once where it is always the same request, and the global `request` each time where it is not. */
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

/** JSON's escapes of ASCII text are Lua's too. */
function luaString(text: string): string {
  return JSON.stringify(text);
}

export function parseReport(report: string): LoadResult {
  const errors = /^\s*(Socket errors|Non-2xx or 3xx responses): .*$/m.exec(report);
  if (errors !== null) throw new Error(errors[0].trim());
  const requests = /^\s*(\d+) requests in /m.exec(report)?.[1];
  const perSecond = /^Requests\/sec:\s+([\d.]+)$/m.exec(report)?.[1];
  if (requests === undefined || perSecond === undefined) throw new Error(`wrk said something else:\n${report}`);
  return { requests: Number(requests), requestsPerSecond: Number(perSecond) };
}
