/** Both servers under the lint, with the conformance kit as client: no violation is the server's. */
import type { Serve } from "@tsgi/gateway-spec";
import { cases, runCase } from "@tsgi/gateway-spec/conformance";
import { type Violation, lint } from "@tsgi/gateway-spec/lint";
import { describe, expect, test } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";

describe.each<[string, typeof serveSocket]>([
  ["the socket server", serveSocket],
  ["the node server", serveNode],
])("%s", (_name, serve) => {
  test.for(cases.map((one) => [one.name, one] as const))("%s", async ([, one]) => {
    const violations: Violation[] = [];
    const linted: Serve = (application, options) => {
      const checked = lint(application, {
        report: (violation) => {
          if (violation.side === "server") violations.push(violation);
        },
      });
      // Two of the cases wait for a timeout of the server.
      return serve(checked, { ...options, bodyTimeoutMs: 100 });
    };
    const outcome = await runCase(one, { serve: linted });
    if (outcome.kind === "failed") throw outcome.error;
    expect(violations).toEqual([]);
  });
});
