/**
 * `node bench/latency.ts [--seconds 3] [--rounds 2] [--only server,…]`: how long a response takes at half of what the server can do,
 * with slow handlers in between, and with more requests than it can do. The requests are sent at a fixed rate.
 */
import { parseArgs } from "node:util";
import { openSite, type Site } from "./lib/measure.ts";
import { NodeLoad } from "./lib/node-load.ts";
import { sendAtRate } from "./lib/open-loop.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { median, percentile } from "./lib/statistics.ts";
import { markdown, significant, whole, withRule } from "./lib/table.ts";
import { BASELINE, type Peer, PEERS } from "./peers.ts";
import { workload } from "./workloads.ts";

const SERVERS: ReadonlySet<string> = new Set(["tsgi socket", "tsgi node", BASELINE, "fastify", "bun"]);
export const LATENCY_PEERS: readonly Peer[] = PEERS.filter(({ name }) => SERVERS.has(name));

/** More than ever have a request in progress, unless the server has too many requests. */
const CONNECTIONS = 256;
const SATURATION_SECONDS = 1;

type Kind = "work" | "wait" | "block";

/** 1 in 20 waits for 100 ms, and 1 in 200 keeps the event loop busy for 20 ms. */
const mixed = (n: number): Kind => {
  if (n % 200 === 100) return "block";
  return n % 20 === 10 ? "wait" : "work";
};

const request = (kind: Kind) => `GET /${kind} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n`;
const REQUESTS: Readonly<Record<Kind, string>> = {
  work: request("work"),
  wait: request("wait"),
  block: request("block"),
};

interface OfferedLoad {
  readonly title: string;
  readonly kindOf: (n: number) => Kind;
  /** Of the saturation. */
  readonly share: number;
}

export const OFFERED_LOADS: readonly OfferedLoad[] = [
  { title: "Half of saturation", kindOf: () => "work", share: 0.5 },
  { title: "Half of saturation, slow handlers mixed in", kindOf: mixed, share: 0.5 },
  { title: "1.2 × saturation, slow handlers mixed in", kindOf: mixed, share: 1.2 },
];

export interface Latency {
  /** Requests sent and responses received per second. */
  readonly rate: number;
  readonly served: number;
  readonly lost: number;
  /** Of the responses to requests that neither wait nor block. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** 99% of the requests were sent at most this much later than they were due, because of the client. */
  readonly clientLate: number;
}

/** Measures one load after the other on one process. */
export async function measureLatency(peer: Peer, site: Site): Promise<readonly Latency[]> {
  const { root, cores, seconds } = site;
  const plain = workload({ name: "work", title: "", writes: [REQUESTS.work] });
  const server = await ServerProcess.start(await peer.command(plain, root), cores?.server ?? null);
  try {
    const { port } = server;
    const latencies: Latency[] = [];
    const saturations = new Map<OfferedLoad["kindOf"], number>();
    for (const { kindOf, share } of OFFERED_LOADS) {
      const saturation =
        saturations.get(kindOf) ?? (await saturationOf(port, kindOf, Math.min(seconds, SATURATION_SECONDS)));
      saturations.set(kindOf, saturation);
      const rate = saturation * share;
      const served = await sendAtRate({ port, rate, seconds, connections: CONNECTIONS, requests: REQUESTS, kindOf });
      const { work } = served.milliseconds;
      latencies.push({
        rate,
        served: served.perSecond,
        lost: served.lost,
        p50: percentile(work, 0.5),
        p99: percentile(work, 0.99),
        p999: percentile(work, 0.999),
        clientLate: percentile(served.lateMilliseconds, 0.99),
      });
    }
    return latencies;
  } finally {
    await server.stop();
  }
}

/** Requests per second if each connection always has one in progress, the warm-up included. */
async function saturationOf(port: number, kindOf: (n: number) => Kind, seconds: number): Promise<number> {
  const writes = Array.from({ length: 200 }, (_, n) => REQUESTS[kindOf(n)]);
  const load = { port, workload: workload({ name: "mix", title: "", writes, connections: CONNECTIONS }), core: null };
  await new NodeLoad().run({ ...load, seconds });
  return (await new NodeLoad().run({ ...load, seconds })).requestsPerSecond;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "3" },
      rounds: { type: "string", default: "2" },
      only: { type: "string", default: [...SERVERS].join(",") },
    },
  });
  const site = await openSite(Number(values.seconds));
  const peers = LATENCY_PEERS.filter(({ name }) => values.only.split(",").includes(name));
  const measured = new Map<string, (readonly Latency[])[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const peer of peers) measured.get(peer.name)?.push(await measureLatency(peer, site));
  }
  console.log(`\n${values.rounds} rounds of ${values.seconds} s for each load: medians of the rounds, times in ms.`);
  for (const [index, { title }] of OFFERED_LOADS.entries()) {
    const rows = [...measured].map(([name, rounds]) =>
      rowOf(
        name,
        rounds.flatMap((loads) => loads[index] ?? []),
      ),
    );
    const header = ["", "requests/s sent", "responses/s", "lost", "p50", "p99", "p99.9", "client late, p99"];
    console.log(`\n### ${title}\n\n${markdown(withRule(header, rows))}`);
  }
}

function rowOf(name: string, list: readonly Latency[]): readonly string[] {
  const of = (value: (one: Latency) => number) => median(list.map(value));
  return [
    name,
    whole(of(({ rate }) => rate)),
    whole(of(({ served }) => served)),
    whole(of(({ lost }) => lost)),
    significant(of(({ p50 }) => p50)),
    significant(of(({ p99 }) => p99)),
    significant(of(({ p999 }) => p999)),
    significant(of(({ clientLate }) => clientLate)),
  ];
}

if (import.meta.main) await run();
