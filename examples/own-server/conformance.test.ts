/** The servers of the tutorial are held to SPEC.md by the conformance kit. */
import { cases, runCase } from "@tsgi/gateway-spec/conformance";
import type { Serve } from "@tsgi/gateway-spec";
import { describe, expect, test } from "vitest";
import { serve as serveBare } from "../bare-server/server.ts";
import { serve as serveOwn } from "./server.ts";

/** These wait for the server's patience with a silent client to end. */
const ABOUT_PATIENCE: ReadonlySet<string> = new Set(["stalled-upload", "slow-handler"]);

const CAPABILITIES: Readonly<Record<string, readonly string[]>> = {
  "own-server": ["informational", "trailers"],
  "bare-server": [],
};

describe.each([
  ["own-server", serveOwn],
  ["bare-server", serveBare],
])("%s", (server, serve) => {
  const impatient: Serve = (application, options) => serve(application, { ...options, bodyTimeoutMs: 100 });

  test.for(cases.map((one) => [one.name, one] as const))("%s", async ([name, one]) => {
    const outcome = await runCase(one, { serve: ABOUT_PATIENCE.has(name) ? impatient : serve });
    const lacks = one.requires !== undefined && CAPABILITIES[server]?.includes(one.requires) !== true;
    if (outcome.kind === "failed") throw outcome.error;
    expect(outcome.kind).toBe(lacks ? "skipped" : "passed");
  });
});
