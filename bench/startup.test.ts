/** Every peer of the start-up benchmark starts and responds. */
import { beforeAll, expect, test } from "vitest";
import { measureStart, prepareStart, START_PEERS } from "./startup.ts";

let folder: string;
beforeAll(async () => {
  folder = await prepareStart();
});

test.each(START_PEERS)("$name responds with 200 from the compiled packages", async (peer) => {
  const { cpuMs, wallMs, residentMb } = await measureStart(peer, folder);
  expect(Math.min(cpuMs, wallMs, residentMb)).toBeGreaterThan(0);
});
