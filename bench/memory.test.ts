import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareSite, type Site } from "./lib/measure.ts";
import { NodeLoad } from "./lib/node-load.ts";
import { measureGrowth, measureMemory, STATES } from "./memory.ts";
import { PEERS } from "./peers.ts";

let site: Site;
beforeAll(async () => {
  site = { ...(await prepareSite(0.05, null)), generatorFor: () => new NodeLoad() };
});
afterAll(() => rm(site.root, { recursive: true, force: true }));

const cases = STATES.flatMap((state) =>
  PEERS.filter(({ name }) => state.servers.includes(name)).map((peer) => ({ state, peer })),
);

test.concurrent.each(cases)("$peer.name serves the connections of $state.name", async ({ state, peer }) => {
  const pace = { restMs: 20, activeMs: 20 };
  const { heapBytes, residentBytes } = await measureMemory(peer, state, 3, site, pace);
  expect([heapBytes, residentBytes].every(Number.isFinite)).toBe(true);
});

test("the growth of the heap is measured after each third of the requests", async () => {
  const peer = PEERS.find(({ name }) => name === "tsgi socket");
  if (peer === undefined) throw new Error("no such server");
  const [growth, requests] = await measureGrowth(peer, site);
  expect(growth.filter(Number.isFinite)).toHaveLength(3);
  expect(requests).toBeGreaterThan(0);
});
