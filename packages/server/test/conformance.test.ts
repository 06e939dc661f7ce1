/** Both servers are held to SPEC.md by the conformance kit: a test for each case. */
import type { Logger, Serve, Server } from "@tsgi/gateway-spec";
import {
  cases,
  conformanceApplication,
  type ConformanceCase,
  type ConformanceTarget,
  runCase,
} from "@tsgi/gateway-spec/conformance";
import { afterAll, beforeAll, describe, test } from "vitest";
import { serve as serveNode } from "../src/node/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** These wait for the server's patience with a silent client to end. */
const ABOUT_PATIENCE: ReadonlySet<string> = new Set(["stalled-upload", "slow-handler"]);

describe.each<[string, typeof serveSocket]>([
  ["the socket server", serveSocket],
  ["the node server", serveNode],
])("%s", (_name, serve) => {
  const impatient: Serve = (application, options) => serve(application, { ...options, bodyTimeoutMs: 100 });

  testEach(cases, ({ name }) => ({ serve: ABOUT_PATIENCE.has(name) ? impatient : serve }));

  describe("by host and port", () => {
    let server: Server;
    beforeAll(async () => {
      server = await serve(conformanceApplication, { logger: QUIET, shutdownTimeoutMs: 0 });
    });
    afterAll(async () => {
      await server.close();
    });

    const exchangeCases = cases.filter(({ kind, name }) => kind === "exchange" && !ABOUT_PATIENCE.has(name));
    testEach(exchangeCases, () => {
      const { address } = server;
      if (address.transport !== "tcp") throw new Error("the server listens on TCP");
      return { host: address.hostname, port: address.port };
    });
  });
});

function testEach(chosen: readonly ConformanceCase[], target: (one: ConformanceCase) => ConformanceTarget): void {
  test.for(chosen.map((one) => [one.name, one] as const))("%s", async ([, one], { skip }) => {
    const outcome = await runCase(one, target(one));
    if (outcome.kind === "skipped") skip(outcome.reason);
    if (outcome.kind === "failed") throw outcome.error;
  });
}
