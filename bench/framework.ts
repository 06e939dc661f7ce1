/**
 * `node bench/framework.ts [--seconds 2] [--rounds 5] [--only name,…] [--together]`: what routes, schemas, pages and streams of
 * @tsgi/framework cost, beside a handler that does the same by hand, node:http, fastify, hono and elysia as their documentation says. With `--together` all servers are
 * under load at the same time, which gives the better ratios of CPU time and no requests per second.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureInTurn, openSite } from "./lib/measure.ts";
import { median } from "./lib/statistics.ts";
import { compare, markdown, withRule } from "./lib/table.ts";
import { measureTogether } from "./lib/together.ts";
import { BASELINE, bunPeer, type Peer } from "./peers.ts";
import { PIECE, PIECES } from "./servers/framework-site.ts";
import { stocksPage } from "./servers/stocks-page.ts";
import { workload, type Workload } from "./workloads.ts";

const HOST = "Host: 127.0.0.1:8080\r\n";
const PERSON = { name: "Ann", email: "ann@example.com", age: 30, tags: ["a", "b"] };
const POSTED = JSON.stringify(PERSON);

const json = (name: string, title: string, bytes: string, content: object): Workload =>
  workload({ name, title, writes: [bytes], content: JSON.stringify(content), contentType: "application/json" });

const get = (path: string) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`;
const TEXT = { id: "7", page: "2" };

/** A server adds routes according to the name of the workload. */
export const FRAMEWORK_WORKLOADS: readonly Workload[] = [
  json("routed", "A GET with a parameter and a query value, not checked", get("/users/7?page=2"), TEXT),
  json("routed-1000", "The same beside 1,000 other routes", get("/users/7?page=2"), TEXT),
  json("checked", "A GET whose parameter, query and response have schemas", get("/checked/7?page=2"), {
    id: 7,
    page: 2,
  }),
  json(
    "posted",
    "A POST of JSON whose content and response have schemas",
    `POST /users/7 HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${POSTED.length}\r\n\r\n${POSTED}`,
    { id: 7, name: PERSON.name, tags: PERSON.tags },
  ),
  workload({
    name: "page",
    title: "A page of 50 rows from a template, 9 KB",
    writes: [get("/stocks")],
    content: Buffer.from(stocksPage()).toString("latin1"),
    contentType: "text/html",
  }),
  workload({
    name: "stream",
    title: "A response of 20 pieces of 100 B, a turn of the event loop apart",
    writes: [get("/stream")],
    content: PIECE.repeat(PIECES),
    contentType: "text/plain",
  }),
];

const BY_HAND = "by hand";

export const FRAMEWORK_PEERS: readonly Peer[] = [
  peer(BY_HAND, "framework-by-hand.ts", ({ name }) => name.startsWith("routed")),
  peer("App", "framework-app.ts"),
  peer("App without security", "framework-app.ts", () => true, "plain"),
  peer(BASELINE, "framework-node-http.ts", ({ name }) => name !== "routed-1000"),
  peer("fastify", "framework-fastify.ts"),
  peer("hono", "framework-hono.ts"),
  bunPeer("elysia on bun", "framework-elysia.ts"),
];

function peer(name: string, file: string, runs: Peer["runs"] = () => true, ...options: readonly string[]): Peer {
  const path = join(import.meta.dirname, "servers", file);
  const command: Peer["command"] = (workload) =>
    Promise.resolve({ program: process.execPath, args: ["--expose-gc", path, workload.name, ...options] });
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
  const how = values.together ? "all servers at the same time" : "the servers in turn";
  console.log(`\n${rounds} rounds of ${values.seconds} s, ${how}: medians.`);
  for (const one of workloads) {
    const peers = FRAMEWORK_PEERS.filter(({ runs }) => runs(one));
    if (values.together) {
      const measured = await measureTogether(peers, one, site, rounds);
      console.log(`\n### ${one.title}\n\n${tableTogether(peers, measured)}`);
      continue;
    }
    const { measurements, problems } = await measureInTurn(peers, one, rounds, site);
    console.log(`\n### ${one.title}\n\n${markdown(compare(measurements, [BY_HAND, BASELINE, "fastify"]))}`);
    for (const [name, problem] of problems) console.log(`\nLeft out: ${name}: ${problem}.`);
  }
}

/** Ratios are medians of the ratios of each round: the rounds differ more than the servers within one. */
function tableTogether(peers: readonly Peer[], rounds: readonly (readonly number[])[]): string {
  const rows = peers.map(({ name }, i) => [
    name,
    median(rounds.map((round) => round[i] ?? 0)).toFixed(2),
    median(rounds.map((round) => (round[i] ?? 0) / (round[0] ?? 1))).toFixed(3),
  ]);
  return markdown(withRule(["", "CPU µs/request", `× ${peers[0]?.name ?? ""}`], rows));
}

if (import.meta.main) await run();
