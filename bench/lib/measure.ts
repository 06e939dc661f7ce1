/** One measurement: starts a process, checks its responses, warms it up and loads it. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Peer } from "../peers.ts";
import type { Workload } from "../workloads.ts";
import { checkResponses, openIdle } from "./client.ts";
import { writeFiles } from "./files.ts";
import { Handshakes } from "./handshakes.ts";
import { H2load } from "./h2load.ts";
import type { LoadGenerator, LoadResult } from "./load-generator.ts";
import { chooseCores, type Cores, describeMachine, doubts, pinSelf } from "./machine.ts";
import { ServerProcess } from "./server-process.ts";
import { Wrk } from "./wrk.ts";

const MOST_WARM_UP_SECONDS = 1;
const FIRST_IDLE_CONNECTIONS = 1000;
/** Servers may release buffers of idle connections; the socket server does so within a second. */
const REST_MS = 1500;

export interface Site {
  /** The folder whose files are served. */
  readonly root: string;
  readonly cores: Cores | null;
  readonly seconds: number;
  /** @throws Error that names the program which is not installed. */
  readonly generatorFor: (workload: Workload) => LoadGenerator;
}

export interface Measurement {
  readonly requestsPerSecond: number;
  /** User and system time of the server process. */
  readonly cpuMicrosecondsPerRequest: number;
  /** `null` if the load generator does not report it. */
  readonly p99Ms: number | null;
  /** The part of its core that the server used: well below 1, it waited for the load or for other processes. */
  readonly busy: number;
  /** Growth of the server's resident memory after a garbage collection; `null` if the workload has no idle connections. */
  readonly bytesPerIdleConnection: number | null;
}

/**
 * Prints the machine with the reasons to doubt the run, moves this process to the core of the load, and writes the files.
 * @param otherwise the load generator on machines without wrk.
 */
export async function openSite(seconds: number, otherwise: LoadGenerator | null = null): Promise<Site> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const cores = chooseCores();
  console.log(describeMachine());
  for (const doubt of doubts(cores)) console.log(`\n**Doubtful run.** ${doubt}`);
  if (cores !== null) pinSelf(cores.load);
  return prepareSite(seconds, cores, otherwise);
}

/** Writes the files into a new folder, which ends with the process. */
export async function prepareSite(
  seconds: number,
  cores: Cores | null,
  otherwise: LoadGenerator | null = null,
): Promise<Site> {
  const root = await mkdtemp(join(tmpdir(), "tsgi-bench-"));
  process.once("exit", () => rmSync(root, { recursive: true, force: true }));
  await writeFiles(root);
  const wrk = Wrk.find(root);
  const h2load = H2load.find();
  const handshakes = new Handshakes();
  const generatorFor = ({ transport, handshake }: Workload): LoadGenerator => {
    if (handshake !== null) return handshakes;
    if (transport !== "h2") return wrk ?? otherwise ?? missing("wrk", "wrk");
    return h2load ?? missing("h2load", "nghttp2-client");
  };
  return { root, cores, seconds, generatorFor };
}

function missing(program: string, debianPackage: string): never {
  throw new Error(`${program}, the load generator, is not installed (Debian: apt-get install ${debianPackage})`);
}

export interface Measurements {
  /** By the names of the peers, one for each round. */
  readonly measurements: ReadonlyMap<string, readonly Measurement[]>;
  /** Why a peer was left out, by its name. */
  readonly problems: ReadonlyMap<string, string>;
}

/** Measures the peers in turn, round by round. */
export async function measureInTurn(
  peers: readonly Peer[],
  workload: Workload,
  rounds: number,
  site: Site,
): Promise<Measurements> {
  const measurements = new Map<string, Measurement[]>();
  const problems = new Map<string, string>();
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers.filter((peer) => peer.runs(workload) && !problems.has(peer.name))) {
      try {
        const measured = await measure(peer, workload, site);
        measurements.set(peer.name, [...(measurements.get(peer.name) ?? []), measured]);
      } catch (error) {
        measurements.delete(peer.name);
        problems.set(peer.name, error instanceof Error ? error.message : String(error));
      }
    }
  }
  return { measurements, problems };
}

async function measure(peer: Peer, workload: Workload, site: Site): Promise<Measurement> {
  const { root, cores, seconds } = site;
  const generator = site.generatorFor(workload);
  const server = await ServerProcess.start(await peer.command(workload, root), cores?.server ?? null);
  const idle: Socket[] = [];
  try {
    const load = { port: server.port, workload, core: cores?.load ?? null };
    await checkResponses(server.port, workload);

    let bytesPerIdleConnection: number | null = null;
    if (workload.idleConnections > 0) {
      // Before any load, because its garbage would leave room for them. The first connections allocate what all share.
      idle.push(...(await openIdle(server.port, workload, FIRST_IDLE_CONNECTIONS)));
      const before = await residentBytes(server);
      const counted = await openIdle(server.port, workload, workload.idleConnections - idle.length);
      idle.push(...counted);
      bytesPerIdleConnection = ((await residentBytes(server)) - before) / counted.length;
    }

    await generator.run({ ...load, seconds: Math.min(seconds, MOST_WARM_UP_SECONDS) });
    const startedAt = performance.now();
    const cpuBefore = await server.cpuMicroseconds();
    let result: LoadResult;
    let requests = 0;
    let cpuMicroseconds: number;
    do {
      result = await generator.run({ ...load, seconds });
      requests += result.requests;
      cpuMicroseconds = (await server.cpuMicroseconds()) - cpuBefore;
      // The system counts in units of 10 ms. A short run of a server that waits for the processor may be below one.
    } while (cpuMicroseconds === 0);
    const { requestsPerSecond, p99Ms } = result;
    const elapsedMs = performance.now() - startedAt;
    const lost = idle.filter(({ readyState }) => readyState !== "open").length;
    if (lost > 0) throw new Error(`${lost} idle connections were lost`);
    return {
      requestsPerSecond,
      cpuMicrosecondsPerRequest: cpuMicroseconds / requests,
      p99Ms,
      busy: cpuMicroseconds / 1000 / elapsedMs,
      bytesPerIdleConnection,
    };
  } finally {
    for (const socket of idle) socket.destroy();
    await server.stop();
  }
}

async function residentBytes(server: ServerProcess): Promise<number> {
  await delay(REST_MS);
  await server.collectGarbage();
  return server.residentBytes();
}
