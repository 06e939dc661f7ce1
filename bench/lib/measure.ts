/** One measurement: starts a process, checks its responses, warms it up and loads it. */
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Peer } from "../peers.ts";
import type { Workload } from "../workloads.ts";
import { checkResponses, openIdle } from "./client.ts";
import type { Cores } from "./machine.ts";
import { ServerProcess } from "./server-process.ts";
import type { Wrk } from "./wrk.ts";

const WARM_UP_SECONDS = 1;
const FIRST_IDLE_CONNECTIONS = 1000;
/** Servers may release buffers of idle connections; the socket server does so within a second. */
const REST_MS = 1500;

export interface Site {
  /** The folder whose files are served. */
  readonly root: string;
  readonly cores: Cores | null;
  readonly wrk: Wrk;
  readonly seconds: number;
}

export interface Measurement {
  readonly requestsPerSecond: number;
  /** User and system time of the server process. */
  readonly cpuMicrosecondsPerRequest: number;
  /** The part of its core that the server used: well below 1, it waited for the load or for other processes. */
  readonly busy: number;
  /** Growth of the server's resident memory after a garbage collection; `null` if the workload has no idle connections. */
  readonly bytesPerIdleConnection: number | null;
}

export async function measure(peer: Peer, workload: Workload, site: Site): Promise<Measurement> {
  const { root, cores, wrk, seconds } = site;
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

    await wrk.run({ ...load, seconds: WARM_UP_SECONDS });
    const startedAt = performance.now();
    const cpuBefore = server.cpuMicroseconds();
    const { requests, requestsPerSecond } = await wrk.run({ ...load, seconds });
    const cpuMicroseconds = server.cpuMicroseconds() - cpuBefore;
    const elapsedMs = performance.now() - startedAt;
    const lost = idle.filter(({ readyState }) => readyState !== "open").length;
    if (lost > 0) throw new Error(`${lost} idle connections were lost`);
    return {
      requestsPerSecond,
      cpuMicrosecondsPerRequest: cpuMicroseconds / requests,
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
