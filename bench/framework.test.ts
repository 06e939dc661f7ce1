/** Every server and router of the framework's benchmarks gives the expected result. */
import { expect, test } from "vitest";
import { FRAMEWORK_PEERS, FRAMEWORK_WORKLOADS } from "./framework.ts";
import { checkResponses } from "./lib/client.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { ROUTERS } from "./router.ts";

const cases = FRAMEWORK_WORKLOADS.flatMap((workload) =>
  FRAMEWORK_PEERS.filter(({ installed, runs }) => installed && runs(workload)).map((peer) => ({ workload, peer })),
);

test.each(cases)("$peer.name sends the expected response to $workload.name", async ({ workload, peer }) => {
  const server = await ServerProcess.start(await peer.command(workload, ""), null);
  try {
    await checkResponses(server.port, workload);
  } finally {
    await server.stop();
  }
});

test.each(Object.entries(ROUTERS))("%s finds a route and its parameter among 10 and 1,000", (_name, create) => {
  for (const routes of [10, 1000]) {
    const find = create(routes);
    expect(find("/r7/abc")).toEqual({ route: 7, id: "abc" });
    expect(find(`/r${routes - 1}/x`)).toEqual({ route: routes - 1, id: "x" });
  }
});

test("the handler by hand takes part where there is nothing to validate", () => {
  expect(cases.filter(({ peer }) => peer.name === "by hand").map(({ workload }) => workload.name)).toEqual([
    "routed",
    "routed-1000",
  ]);
});
