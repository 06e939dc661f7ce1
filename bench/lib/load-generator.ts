/** What loads a server: a program of the distribution, or this process. */
import type { Workload } from "../workloads.ts";

export interface Load {
  readonly port: number;
  readonly workload: Workload;
  readonly seconds: number;
  /** The core for the generator; `null` if processes are not pinned. */
  readonly core: number | null;
}

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** The time of a response that 99% of the responses did not exceed; `null` if the generator does not report it. */
  readonly p99Ms: number | null;
}

export interface LoadGenerator {
  readonly name: string;
  /** @throws Error if a connection failed or a response had another status than the workload expects. */
  run(load: Load): Promise<LoadResult>;
}
