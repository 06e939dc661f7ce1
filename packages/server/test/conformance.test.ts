/** Both servers are held to SPEC.md by the conformance kit, over TCP and over TLS: a test for each case. */
import type { Logger, Serve, Server } from "@tsgi/gateway-spec";
import {
  cases,
  conformanceApplication,
  type ConformanceCase,
  type ConformanceTarget,
  runCase,
} from "@tsgi/gateway-spec/conformance";
import { afterAll, beforeAll, describe, test } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import type { SocketServeOptions } from "../src/options.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { selfSigned } from "../src/tls/self-signed.ts";

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** These wait for the timeout of a client that sends nothing. */
const ABOUT_TIMEOUTS: ReadonlySet<string> = new Set(["stalled-upload", "slow-handler"]);

describe.each<[string, typeof serveSocket, SocketServeOptions]>([
  ["the socket server", serveSocket, {}],
  ["the socket server over TLS", serveSocket, { tls: selfSigned() }],
  ["the node server", serveNode, {}],
  ["the node server over TLS", serveNode, { tls: selfSigned() }],
])("%s", (_name, serveOurs, transport) => {
  // TLS is for TCP.
  const serve: typeof serveOurs = (application, options) =>
    serveOurs(application, { ...options, ...(options?.path === undefined ? transport : {}) });
  const serveWithShortTimeout: Serve = (application, options) => serve(application, { ...options, bodyTimeoutMs: 100 });

  testEach(cases, ({ name }) => ({ serve: ABOUT_TIMEOUTS.has(name) ? serveWithShortTimeout : serve }));

  describe("by host and port", () => {
    let server: Server;
    beforeAll(async () => {
      server = await serve(conformanceApplication, { logger: QUIET, shutdownTimeoutMs: 0 });
    });
    afterAll(async () => {
      await server.close();
    });

    const exchangeCases = cases.filter(({ kind, name }) => kind === "exchange" && !ABOUT_TIMEOUTS.has(name));
    testEach(exchangeCases, () => {
      const { address } = server;
      if (address.transport !== "tcp") throw new Error("the server listens on TCP");
      return { host: address.hostname, port: address.port, tls: transport.tls !== undefined };
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
