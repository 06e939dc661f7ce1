/** Both servers are held to SPEC.md by the conformance kit, over TCP, TLS and HTTP/2: a test for each case. */
import type { Logger, Serve, Server } from "@tsgi/gateway-spec";
import {
  type CaseRun,
  cases,
  conformanceApplication,
  type ConformanceTarget,
  labelOf,
  type Protocol,
  runCase,
  runsOf,
} from "@tsgi/gateway-spec/conformance";
import { afterAll, beforeAll, describe, test } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import type { SocketServeOptions } from "../src/options.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { selfSigned } from "../src/tls/self-signed.ts";

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** These wait for the timeout of a client that sends nothing. */
const ABOUT_TIMEOUTS: ReadonlySet<string> = new Set(["stalled-upload", "slow-handler"]);

describe.each<[string, typeof serveSocket, SocketServeOptions, Protocol]>([
  ["the socket server", serveSocket, {}, "http/1.1"],
  ["the socket server over TLS", serveSocket, { tls: selfSigned() }, "http/1.1"],
  ["the node server", serveNode, {}, "http/1.1"],
  ["the node server over TLS", serveNode, { tls: selfSigned() }, "http/1.1"],
  ["the node server over HTTP/2", serveNode, { tls: selfSigned() }, "h2"],
])("%s", (_name, serveOurs, transport, protocol) => {
  // TLS is for TCP.
  const serve: typeof serveOurs = (application, options) =>
    serveOurs(application, { ...options, ...(options?.path === undefined ? transport : {}) });
  const serveWithShortTimeout: Serve = (application, options) => serve(application, { ...options, bodyTimeoutMs: 100 });

  const runs = runsOf(cases, [protocol]);
  testEach(runs, ({ case: { name } }) => ({ serve: ABOUT_TIMEOUTS.has(name) ? serveWithShortTimeout : serve }));

  describe("by host and port", () => {
    let server: Server;
    beforeAll(async () => {
      server = await serve(conformanceApplication, { logger: QUIET, shutdownTimeoutMs: 0 });
    });
    afterAll(async () => {
      await server.close();
    });

    const ofExchanges = runs.filter(({ case: { kind, name } }) => kind === "exchange" && !ABOUT_TIMEOUTS.has(name));
    testEach(ofExchanges, () => {
      const { address } = server;
      if (address.transport !== "tcp") throw new Error("the server listens on TCP");
      return { host: address.hostname, port: address.port, tls: transport.tls !== undefined };
    });
  });
});

function testEach(runs: readonly CaseRun[], target: (run: CaseRun) => ConformanceTarget): void {
  test.for(runs.map((run) => [labelOf(run), run] as const))("%s", async ([, run], { skip }) => {
    const outcome = await runCase(run.case, target(run), { protocol: run.protocol });
    if (outcome.kind === "skipped") skip(outcome.reason);
    if (outcome.kind === "failed") throw outcome.error;
  });
}
