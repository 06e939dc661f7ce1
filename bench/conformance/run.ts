/**
 * Runs the conformance cases against one server of {@link file://./servers.ts} on the runtime of this process, and prints a line of
 * JSON for each: `["passed", "request-url"]`.
 *
 *     node bench/conformance/run.ts <server> [cases to leave out, with commas]
 */
import { cases, runCase } from "@tsgi/gateway-spec/conformance";
import { SERVERS } from "./servers.ts";

const [name = "", leaveOut = ""] = process.argv.slice(2);
const serve = await SERVERS[name]?.();
if (serve === undefined) throw new Error(`unknown server ${JSON.stringify(name)}: ${Object.keys(SERVERS).join(", ")}`);

let hasUncaught = false;
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, () => {
    hasUncaught = true;
  });
}
const left = new Set(leaveOut.split(","));
for (const one of cases) {
  if (left.has(one.name)) continue;
  hasUncaught = false;
  // A failure needs no longer to show than this: no case waits for a timeout of half a minute here.
  const outcome = await runCase({ ...one, deadlineMs: Math.min(one.deadlineMs ?? 5000, 5000) }, { serve });
  const kind = hasUncaught ? "failed" : outcome.kind;
  const error = outcome.kind === "failed" && outcome.error instanceof Error ? outcome.error.message : "";
  process.stdout.write(`${JSON.stringify([kind, one.name, error.split("\n")[0]])}\n`);
}
process.exit();
