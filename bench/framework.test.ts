/** Every server of the framework's benchmark sends the expected responses. */
import { expect, test } from "vitest";
import { FRAMEWORK_PEERS, FRAMEWORK_WORKLOADS } from "./framework.ts";
import { checkResponses } from "./lib/client.ts";
import { ServerProcess } from "./lib/server-process.ts";

const cases = FRAMEWORK_WORKLOADS.flatMap((workload) =>
  FRAMEWORK_PEERS.filter(({ runs }) => runs(workload)).map((peer) => ({ workload, peer })),
);

test.each(cases)("$peer.name sends the expected response to $workload.name", async ({ workload, peer }) => {
  const server = await ServerProcess.start(await peer.command(workload, ""), null);
  try {
    await checkResponses(server.port, workload);
  } finally {
    await server.stop();
  }
});

test("the handler by hand takes part where there is nothing to validate", () => {
  expect(cases.filter(({ peer }) => peer.name === "by hand").map(({ workload }) => workload.name)).toEqual([
    "routed",
    "routed-1000",
  ]);
});
