/**
 * `pnpm bench:check`: measures an application of this repository beside fastify and node:http, in two minutes, with Node alone. The
 * servers take turns, each in a new process whose responses are checked first. Options: `--seconds 2 --rounds 2 --only name,… --own-load`.
 */
import { parseArgs } from "node:util";
import { FRAMEWORK_PEERS, FRAMEWORK_WORKLOADS } from "./framework.ts";
import { measureInTurn, openSite } from "./lib/measure.ts";
import { NodeLoad } from "./lib/node-load.ts";
import { compare, markdown } from "./lib/table.ts";
import { BASELINE } from "./peers.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "2" },
    only: { type: "string", default: "routed,posted,page,stream" },
    /** Load by Node even where wrk is installed. */
    "own-load": { type: "boolean", default: false },
  },
});
const PEERS: ReadonlySet<string> = new Set(["App", "fastify", BASELINE]);

const nodeLoad = new NodeLoad();
const found = await openSite(Number(values.seconds), nodeLoad);
const site = values["own-load"] ? { ...found, generatorFor: () => nodeLoad } : found;
const peers = FRAMEWORK_PEERS.filter(({ name }) => PEERS.has(name));
for (const workload of FRAMEWORK_WORKLOADS.filter(({ name }) => values.only.split(",").includes(name))) {
  const { measurements, problems } = await measureInTurn(peers, workload, Number(values.rounds), site);
  console.log(
    `\n${workload.title}, by ${site.generatorFor(workload).name}\n\n${markdown(compare(measurements, ["fastify", BASELINE]))}`,
  );
  for (const [name, problem] of problems) {
    console.error(`\n${name} failed: ${problem}`);
    process.exitCode = 1;
  }
}
console.log(`
App is @tsgi/framework on the socket server of @tsgi/server, node:http has no framework. Compare the CPU time of a request: on a machine
with other work, requests/s and p99 depend on that work. Where the load is a client in Node, it is slower than the servers.`);
