/** `node bench/http.ts`: compares the servers with others, each alone on one core with wrk on another, in Markdown tables. */
import { parseArgs } from "node:util";
import { measureInTurn, openSite } from "./lib/measure.ts";
import { compare, markdown } from "./lib/table.ts";
import { BASELINE, LIMIT, type Peer, PEERS } from "./peers.ts";
import { type Workload, WORKLOADS } from "./workloads.ts";

const USAGE = `node bench/http.ts [--seconds 2] [--rounds 3] [--only name,…] [--against name,…]

  --seconds   how long each measurement lasts
  --rounds    measurements of each server, in turn with the others; the table shows the medians
  --only      workloads: ${WORKLOADS.map(({ name }) => name).join(", ")}
  --against   servers beside ${LIMIT} and ${BASELINE}: ${beside().join(", ")}`;

try {
  const { seconds, rounds, workloads, peers } = readCommandLine();
  await run(workloads, peers, seconds, rounds);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function run(workloads: readonly Workload[], peers: readonly Peer[], seconds: number, rounds: number) {
  const site = await openSite(seconds);
  console.log(`\n${rounds} rounds of ${seconds} s: medians.`);
  for (const workload of workloads) {
    const { measurements, problems } = await measureInTurn(peers, workload, rounds, site);
    console.log(`\n### ${workload.title}\n\n${markdown(compare(measurements, [BASELINE, LIMIT]))}`);
    for (const [name, problem] of problems) console.log(`\nLeft out: ${name}: ${problem}.`);
  }
}

function readCommandLine() {
  const options = {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    against: { type: "string" },
  } as const;
  try {
    const { values } = parseArgs({ options });
    const workloads = choose(
      "--only",
      values.only,
      WORKLOADS.map(({ name }) => name),
    );
    const against = choose("--against", values.against, beside());
    return {
      seconds: wholeNumber("--seconds", values.seconds, 60),
      rounds: wholeNumber("--rounds", values.rounds, 25),
      workloads: WORKLOADS.filter(({ name }) => workloads.includes(name)),
      peers: PEERS.filter(({ name }) => name === LIMIT || name === BASELINE || against.includes(name)),
    };
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`, { cause: error });
  }
}

function beside(): readonly string[] {
  return PEERS.map(({ name }) => name).filter((name) => name !== LIMIT && name !== BASELINE);
}

function choose(option: string, text: string | undefined, names: readonly string[]): readonly string[] {
  const chosen = text?.split(",").map((name) => name.trim()) ?? names;
  const unknown = chosen.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`${option}: unknown name "${unknown}"`);
  return chosen;
}

function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`${option} must be an integer from 1 to ${most}, not "${text}"`);
  }
  return value;
}
