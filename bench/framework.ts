/**
 * `node bench/framework.ts [--seconds 2] [--rounds 5] [--only name,…] [--together]`: what routes and schemas of @tsgi/framework
 * cost, beside a handler that does the same by hand, fastify with its own validator, and hono. With `--together` all servers are
 * under load at the same time, which gives the better ratios of CPU time and no requests per second.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Measurement, measureInTurn, openSite } from "./lib/measure.ts";
import { markdown, median } from "./lib/table.ts";
import { measureTogether } from "./lib/together.ts";
import type { Peer } from "./peers.ts";
import { workload, type Workload } from "./workloads.ts";

const HOST = "Host: 127.0.0.1:8080\r\n";
const PERSON = { name: "Ann", email: "ann@example.com", age: 30, tags: ["a", "b"] };
const POSTED = JSON.stringify(PERSON);

const json = (name: string, title: string, bytes: string, content: object): Workload =>
  workload({ name, title, writes: [bytes], content: JSON.stringify(content), contentType: "application/json" });

const GET = `GET /users/7?page=2 HTTP/1.1\r\n${HOST}\r\n`;
const TEXT = { id: "7", page: "2" };

/** A server adds routes according to the name of the workload. */
export const FRAMEWORK_WORKLOADS: readonly Workload[] = [
  json("routed", "A GET with a parameter and a query value, not checked", GET, TEXT),
  json("routed-1000", "The same beside 1,000 other routes", GET, TEXT),
  json("checked", "A GET whose parameter, query and response have schemas", GET, { id: 7, page: 2 }),
  json(
    "posted",
    "A POST of JSON whose content and response have schemas",
    `POST /users/7 HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${POSTED.length}\r\n\r\n${POSTED}`,
    { id: 7, name: PERSON.name, tags: PERSON.tags },
  ),
];

const BY_HAND = "by hand";

export const FRAMEWORK_PEERS: readonly Peer[] = [
  peer(BY_HAND, "framework-by-hand.ts", ({ name }) => name.startsWith("routed")),
  peer("App", "framework-app.ts"),
  peer("App without security", "framework-app-plain.ts"),
  peer("fastify", "framework-fastify.ts"),
  peer("hono", "framework-hono.ts", ({ name }) => name.startsWith("routed")),
];

function peer(name: string, file: string, runs: Peer["runs"] = () => true): Peer {
  const path = join(import.meta.dirname, "servers", file);
  const command: Peer["command"] = (workload) =>
    Promise.resolve({ program: process.execPath, args: ["--expose-gc", path, workload.name] });
  return { name, installed: true, runs, command };
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "2" },
      rounds: { type: "string", default: "5" },
      only: { type: "string" },
      together: { type: "boolean", default: false },
    },
  });
  const only = values.only?.split(",");
  const workloads = FRAMEWORK_WORKLOADS.filter(({ name }) => only?.includes(name) ?? true);
  const rounds = Number(values.rounds);
  const site = await openSite(Number(values.seconds));
  const how = values.together ? "all servers at the same time: medians" : "medians, and the least of CPU";
  console.log(`\n${rounds} rounds of ${values.seconds} s, ${how}.`);
  for (const one of workloads) {
    const peers = FRAMEWORK_PEERS.filter(({ runs }) => runs(one));
    if (values.together) {
      const measured = await measureTogether(peers, one, site, rounds);
      console.log(`\n### ${one.title}\n\n${tableTogether(peers, measured)}`);
      continue;
    }
    const { measurements, problems } = await measureInTurn(peers, one, rounds, site);
    console.log(`\n### ${one.title}\n\n${table(measurements)}`);
    for (const [name, problem] of problems) console.log(`\nLeft out: ${name}: ${problem}.`);
  }
}

function table(measurements: ReadonlyMap<string, readonly Measurement[]>): string {
  const rows = [...measurements].map(([name, list]) => ({
    name,
    requests: median(list.map(({ requestsPerSecond }) => requestsPerSecond)),
    cpu: median(list.map(({ cpuMicrosecondsPerRequest }) => cpuMicrosecondsPerRequest)),
    least: Math.min(...list.map(({ cpuMicrosecondsPerRequest }) => cpuMicrosecondsPerRequest)),
  }));
  const base = rows.find(({ name }) => name === BY_HAND);
  const fastify = rows.find(({ name }) => name === "fastify");
  return markdown([
    ["", "requests/s", "× fastify", "CPU µs/request", "least", "CPU of by hand", "least of by hand"],
    ["---", "---:", "---:", "---:", "---:", "---:", "---:"],
    ...rows.map(({ name, requests, cpu, least }) => [
      name,
      Math.round(requests).toLocaleString("en-GB"),
      ratio(requests, fastify?.requests),
      cpu.toFixed(2),
      least.toFixed(2),
      ratio(cpu, base?.cpu),
      ratio(least, base?.least),
    ]),
  ]);
}

/** Ratios are medians of the ratios of each round: the rounds differ more than the servers within one. */
function tableTogether(peers: readonly Peer[], rounds: readonly (readonly number[])[]): string {
  return markdown([
    ["", "CPU µs/request", `CPU of ${peers[0]?.name ?? ""}`],
    ["---", "---:", "---:"],
    ...peers.map(({ name }, i) => [
      name,
      median(rounds.map((round) => round[i] ?? 0)).toFixed(2),
      median(rounds.map((round) => (round[i] ?? 0) / (round[0] ?? 1))).toFixed(3),
    ]),
  ]);
}

function ratio(value: number, other: number | undefined): string {
  return other === undefined ? "–" : (value / other).toFixed(2);
}

if (import.meta.main) await run();
