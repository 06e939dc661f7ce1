/** h2load of nghttp2: HTTP/2 over TLS, as many requests as the server takes. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findProgram } from "../../scripts/lib/machine.ts";
import { track } from "./children.ts";
import type { Load, LoadGenerator, LoadResult } from "./load-generator.ts";
import { pinned } from "./machine.ts";

/** Requests in progress on a connection, as browsers have some. */
const STREAMS = 8;

export class H2load implements LoadGenerator {
  readonly name = "h2load";
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  /** @returns null if it is not installed. */
  static find(): H2load | null {
    const program = findProgram(["h2load"], process.env);
    return program === null ? null : new H2load(program);
  }

  async run({ port, workload, seconds, core }: Load): Promise<LoadResult> {
    const target = workload.writes[0]?.split(" ")[1] ?? "/";
    const url = `https://127.0.0.1:${port}${target}`;
    const options = ["-t1", `-c${workload.connections / STREAMS}`, `-m${STREAMS}`, `-D${seconds}`, url];
    const [file, ...args] = pinned(core, this.#program, options);
    const running = promisify(execFile)(file, args, { timeout: seconds * 1000 + 10_000 });
    track(running.child);
    const { stdout } = await running;
    return parseH2loadReport(stdout);
  }
}

export function parseH2loadReport(report: string): LoadResult {
  const perSecond = /^finished in .*, ([\d.]+) req\/s/m.exec(report)?.[1];
  const [, done, failed] = /^requests: .* (\d+) done, \d+ succeeded, (\d+) failed/m.exec(report) ?? [];
  if (perSecond === undefined || done === undefined) throw new Error(`unexpected output of h2load:\n${report}`);
  const others = /^status codes: \d+ 2xx, (0 3xx, 0 4xx, 0 5xx)$/m.test(report);
  if (failed !== "0" || !others) throw new Error(`h2load received other responses than 2xx:\n${report}`);
  if (!report.includes("Application protocol: h2")) throw new Error("the server did not choose HTTP/2");
  return { requests: Number(done), requestsPerSecond: Number(perSecond), p99Ms: null };
}
