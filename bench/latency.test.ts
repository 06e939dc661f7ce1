import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LATENCY_PEERS, measureLatency, OFFERED_LOADS } from "./latency.ts";
import { prepareSite, type Site } from "./lib/measure.ts";

let site: Site;
beforeAll(async () => {
  site = await prepareSite(0.05, null);
});
afterAll(() => rm(site.root, { recursive: true, force: true }));

test.each(LATENCY_PEERS.filter(({ installed }) => installed))("$name serves each load", async (peer) => {
  const latencies = await measureLatency(peer, site);
  expect(latencies).toHaveLength(OFFERED_LOADS.length);
  for (const { rate, served, p50, p999 } of latencies) {
    expect(Math.min(rate, served, p50)).toBeGreaterThan(0);
    expect(p999).toBeGreaterThanOrEqual(p50);
  }
});
