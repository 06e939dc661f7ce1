/** The servers of docs/write-a-server.md pass the conformance kit, and the page shows their code. */
import { cases, runCase, runsOf } from "@tsgi/gateway-spec/conformance";
import type { Serve } from "@tsgi/gateway-spec";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { serve as serveBare } from "../bare-server/server.ts";
import { serve as serveOwn } from "./server.ts";

/** These wait for the timeout of a client that sends nothing. */
const ABOUT_TIMEOUTS: ReadonlySet<string> = new Set(["stalled-upload", "slow-handler"]);

const CAPABILITIES: Readonly<Record<string, readonly string[]>> = {
  "own-server": ["informational", "trailers"],
  "bare-server": [],
};

describe.each([
  ["own-server", serveOwn],
  ["bare-server", serveBare],
])("%s", (server, serve) => {
  const serveWithShortTimeout: Serve = (application, options) => serve(application, { ...options, bodyTimeoutMs: 100 });

  const ofHttp1 = runsOf(cases, ["http/1.1"]).map(({ case: one }) => [one.name, one] as const);
  test.for(ofHttp1)("%s", async ([name, one]) => {
    const outcome = await runCase(one, { serve: ABOUT_TIMEOUTS.has(name) ? serveWithShortTimeout : serve });
    const lacks = one.requires !== undefined && CAPABILITIES[server]?.includes(one.requires) !== true;
    if (outcome.kind === "failed") throw outcome.error;
    expect(outcome.kind).toBe(lacks ? "skipped" : "passed");
  });
});

test("the server of the page has at most 80 lines, and the page shows its code", () => {
  const source = readFileSync(new URL("server.ts", import.meta.url), "utf8");
  expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(80);
  const page = readFileSync(new URL("../../docs/write-a-server.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/^```ts\n(\/\/ \d\. [^]*?)```$/gm)].map(([, block = ""]) => block);
  expect(blocks).toHaveLength(4);
  const dedented = source.replaceAll(/^ {2}/gm, "");
  for (const block of blocks) expect(dedented).toContain(block);
});
