/** This process as the load, for machines without wrk: it may be slower than the server. */
import { HttpConnection } from "./http-connection.ts";
import type { Load, LoadGenerator, LoadResult } from "./load-generator.ts";
import { percentile } from "./statistics.ts";

export class NodeLoad implements LoadGenerator {
  readonly name = "a client in Node";

  async run({ port, workload, seconds }: Load): Promise<LoadResult> {
    const { writes, connections: count, pipelined, status, transport } = workload;
    const connections = await HttpConnection.openMany(count, port, { tls: transport === "tls" });
    const latencies: number[] = [];
    const startedAt = performance.now();
    const end = startedAt + seconds * 1000;
    const client = async (connection: HttpConnection, index: number) => {
      let at = index;
      // Each client sends a request, however short the run is.
      do {
        const sentAt = performance.now();
        connection.socket.write(writes[at % writes.length] ?? "", "latin1");
        for (let received = 0; received < pipelined; received += 1) {
          const response = await connection.next();
          if (response.status !== status) throw new Error(`the status was ${response.status}, not ${status}`);
          latencies.push(performance.now() - sentAt);
        }
        at += 1;
      } while (performance.now() < end);
    };
    try {
      await Promise.all(connections.map(client));
    } finally {
      for (const { socket } of connections) socket.destroy();
    }
    const elapsed = (performance.now() - startedAt) / 1000;
    return {
      requests: latencies.length,
      requestsPerSecond: latencies.length / elapsed,
      p99Ms: percentile(latencies, 0.99),
    };
  }
}
