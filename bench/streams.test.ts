/** Each workload of the bench of streams runs against each server: a benchmark of wrong responses measures nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerProcess } from "./lib/server-process.ts";
import { runUntilUsed, STREAM_WORKLOADS } from "./lib/stream-load.ts";
import { STREAM_PEERS, StreamLoad } from "./streams.ts";

const MOST_CLIENTS = 3;

const load = new StreamLoad(null);
afterAll(() => load.stop());

describe.each(STREAM_PEERS)("$name", ({ command }) => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start(command, null);
  });
  afterAll(() => server.stop());

  test.each(STREAM_WORKLOADS)("serves the workload $name", async (workload) => {
    const few = { ...workload, clients: Math.min(workload.clients, MOST_CLIENTS) };
    expect(await load.run(server, few, 0, 0)).toBeGreaterThanOrEqual(0);
  });
});

test("units of steps that run at the same time are all counted", async () => {
  const steps = [1, 10, 100].map((units) => () => Promise.resolve(units));
  expect(await runUntilUsed(0, process.pid, steps)).toBe(111);
});
