/** A TLS connection for each request, by a client in Node, which spends as much on a handshake as the server does. */
import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import type { Workload } from "../workloads.ts";
import { HttpConnection } from "./http-connection.ts";
import type { Load, LoadGenerator, LoadResult } from "./load-generator.ts";
import { percentile } from "./statistics.ts";

export class Handshakes implements LoadGenerator {
  readonly name = "a client in Node";

  async run({ port, workload, seconds }: Load): Promise<LoadResult> {
    const session = workload.handshake === "resumed" ? await firstSession(port, workload) : null;
    const latencies: number[] = [];
    const startedAt = performance.now();
    const end = startedAt + seconds * 1000;
    const client = async () => {
      // Each client makes a request: the first TLS context alone may take longer than a short run.
      do {
        const openedAt = performance.now();
        const socket = connect({ ...at(port), ...(session === null ? {} : { session }) });
        await exchange(socket, workload);
        if (socket.isSessionReused() !== (session !== null)) throw new Error("the server resumed no session");
        socket.destroy();
        latencies.push(performance.now() - openedAt);
      } while (performance.now() < end);
    };
    await Promise.all(Array.from({ length: workload.connections }, client));
    return {
      requests: latencies.length,
      requestsPerSecond: latencies.length / ((performance.now() - startedAt) / 1000),
      p99Ms: percentile(latencies, 0.99),
    };
  }
}

const at = (port: number) => ({ port, host: "127.0.0.1", rejectUnauthorized: false });

/** TLS 1.3 sends it behind the handshake (RFC 8446 §4.6.1). */
async function firstSession(port: number, workload: Workload): Promise<Buffer> {
  const socket = connect(at(port));
  const received = once(socket, "session", { signal: AbortSignal.timeout(5000) });
  await exchange(socket, workload);
  const [session] = (await received) as [Buffer];
  socket.destroy();
  return session;
}

async function exchange(socket: TLSSocket, { writes, status }: Workload): Promise<void> {
  await once(socket, "secureConnect");
  const response = await new HttpConnection(socket).exchange(writes[0] ?? "");
  if (response.status !== status) throw new Error(`the status was ${response.status}, not ${status}`);
}
