/** Every server that the workspace installs sends the expected responses: a benchmark of wrong responses measures nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkResponses, openIdle } from "./lib/client.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { LIMIT, type Peer, PEERS } from "./peers.ts";
import { writeFiles } from "./lib/files.ts";
import { POSTED, type Workload, WORKLOADS } from "./workloads.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tsgi-bench-test-"));
  await writeFiles(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe.each(PEERS.filter(({ installed }) => installed))("$name", (peer) => {
  test("sends the expected response to each workload", async () => {
    const workloads = WORKLOADS.filter(peer.runs);
    // Only the limit must know the workload; for the others one process for each transport is enough.
    const runs =
      peer.name === LIMIT
        ? workloads.map((workload) => [workload])
        : (["tcp", "tls", "h2"] as const)
            .map((transport) => workloads.filter((workload) => workload.transport === transport))
            .filter(({ length }) => length > 0);
    for (const run of runs) {
      const server = await start(peer, run[0]);
      try {
        for (const workload of run) await checkResponses(server.port, workload);
      } finally {
        await server.stop();
      }
    }
  });
});

test("a server process reports memory and processor time, and keeps idle connections open", async () => {
  const workload = workloadNamed("idle");
  const server = await start(peerNamed("tsgi socket"), workload);
  try {
    const before = await server.cpuMicroseconds();
    const idle = await openIdle(server.port, workload, 3);
    await server.collectGarbage();
    expect(idle.map((socket) => socket.readyState)).toEqual(["open", "open", "open"]);
    expect(server.residentBytes()).toBeGreaterThan(1_000_000);
    expect(await server.cpuMicroseconds()).toBeGreaterThanOrEqual(before);
    for (const socket of idle) socket.destroy();
  } finally {
    await server.stop();
  }
});

test("the requests of a workload have equal length", () => {
  expect(POSTED).toHaveLength(200);
  for (const { writes } of WORKLOADS) expect(new Set(writes.map(({ length }) => length)).size).toBe(1);
});

test("checkResponses rejects wrong content and a wrong Content-Type", async () => {
  const workload = workloadNamed("plaintext");
  const server = await start(peerNamed(LIMIT), workload);
  try {
    await expect(checkResponses(server.port, { ...workload, content: "Hello, World!" })).rejects.toThrow(
      "Hello, world!",
    );
    await expect(checkResponses(server.port, { ...workload, contentType: "text/html" })).rejects.toThrow("text/plain");
  } finally {
    await server.stop();
  }
});

async function start(peer: Peer, workload: Workload | undefined): Promise<ServerProcess> {
  if (workload === undefined) throw new Error(`${peer.name} has no workload`);
  return ServerProcess.start(await peer.command(workload, root), null);
}

function workloadNamed(name: string): Workload {
  return found(WORKLOADS.find((workload) => workload.name === name));
}

function peerNamed(name: string): Peer {
  return found(PEERS.find((peer) => peer.name === name));
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("no entry of that name");
  return value;
}
