/**
 * Runs the conformance cases against one server of {@link file://./servers.ts} on the runtime of this process, and prints a line of
 * JSON for each: `["passed", "request-url"]`.
 *
 *     node bench/conformance/run.ts <server> <http/1.1 or h2> <deadline of each wait, in ms> [cases to leave out, with commas]
 */
import { cases, labelOf, type Protocol, runCase, runsOf } from "@tsgi/gateway-spec/conformance";
import { selfSigned } from "../../packages/server/src/tls/self-signed.ts";
import { SERVERS } from "./servers.ts";

const [name = "", protocol = "http/1.1", deadlineMs = "", leaveOut = ""] = process.argv.slice(2);
const serve = await SERVERS[name]?.(protocol === "h2" ? selfSigned() : null);
if (serve === undefined) throw new Error(`unknown server ${JSON.stringify(name)}: ${Object.keys(SERVERS).join(", ")}`);

let hasUncaught = false;
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, () => {
    hasUncaught = true;
  });
}
const left = new Set(leaveOut.split(","));
for (const run of runsOf(cases, [protocol as Protocol])) {
  const label = labelOf(run);
  if (left.has(label)) continue;
  hasUncaught = false;
  const one = { ...run.case, deadlineMs: Number(deadlineMs) };
  const outcome = await runCase(one, { serve }, { protocol: run.protocol });
  const kind = hasUncaught ? "failed" : outcome.kind;
  const error = outcome.kind === "failed" && outcome.error instanceof Error ? outcome.error.message : "";
  process.stdout.write(`${JSON.stringify([kind, label, error.split("\n")[0]])}\n`);
}
process.exit();
