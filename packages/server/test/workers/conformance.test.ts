/**
 * A worker process and a thread of one are held to SPEC.md by the cases of the conformance kit that reach a server by its address.
 * One of each: a case compares what its application recorded, and another worker would have recorded it elsewhere.
 */
import { cases, runCase, runsOf } from "@tsgi/gateway-spec/conformance";
import { afterAll, beforeAll, describe, test } from "vitest";
import { ADDRESS, CommandProcess } from "../command-process.ts";

/** These wait for timeouts that are set through `serve`. */
const ABOUT_TIMEOUTS: ReadonlySet<string> = new Set(["stalled-upload", "slow-handler"]);

const EXCHANGE_CASES = runsOf(cases, ["http/1.1"])
  .filter(({ case: { kind, name } }) => kind === "exchange" && !ABOUT_TIMEOUTS.has(name))
  .map(({ case: one }) => [one.name, one] as const);

describe.each([
  ["a worker process", ["--workers", "1"]],
  ["a thread", ["--threads", "1"]],
])("%s", (_name, args) => {
  let command: CommandProcess;
  let port: number;
  beforeAll(async () => {
    command = new CommandProcess(["0", "conforming-application.ts", ...args], { cwd: import.meta.dirname });
    const [, url = ""] = await command.until(ADDRESS);
    port = Number(new URL(url).port);
  });
  afterAll(async () => {
    await command[Symbol.asyncDispose]();
  });

  test.for(EXCHANGE_CASES)("%s", async ([, one], { skip }) => {
    const outcome = await runCase(one, { host: "127.0.0.1", port, tls: false });
    if (outcome.kind === "skipped") skip(outcome.reason);
    if (outcome.kind === "failed") throw outcome.error;
  });
});
