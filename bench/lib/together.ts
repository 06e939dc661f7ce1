/**
 * Servers under load at the same time, on one core: each meets the same caches, clock and neighbours. So the ratios of their
 * processor time hold within about 2% on a shared machine, where one server after the other differs by 10%. Requests per second
 * mean nothing here.
 */
import type { Peer } from "../peers.ts";
import type { Workload } from "../workloads.ts";
import { checkResponses } from "./client.ts";
import type { Site } from "./measure.ts";
import { ServerProcess } from "./server-process.ts";

const WARM_UP_SECONDS = 4;

/** @returns for each round the CPU time of each server in µs/request, in the order of the peers. */
export async function measureTogether(
  peers: readonly Peer[],
  workload: Workload,
  { root, cores, seconds, generatorFor }: Site,
  rounds: number,
): Promise<readonly (readonly number[])[]> {
  const generator = generatorFor(workload);
  const servers: ServerProcess[] = [];
  const load = async (server: ServerProcess, duration: number): Promise<number> => {
    const before = await server.cpuMicroseconds();
    const { requests } = await generator.run({
      port: server.port,
      workload,
      core: cores?.load ?? null,
      seconds: duration,
    });
    return ((await server.cpuMicroseconds()) - before) / requests;
  };
  try {
    for (const peer of peers) {
      const server = await ServerProcess.start(await peer.command(workload, root), cores?.server ?? null);
      servers.push(server);
      await checkResponses(server.port, workload);
    }
    await Promise.all(servers.map((server) => load(server, WARM_UP_SECONDS)));
    const measured: number[][] = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push(await Promise.all(servers.map((server) => load(server, seconds))));
    }
    return measured;
  } finally {
    for (const server of servers) await server.stop();
  }
}
