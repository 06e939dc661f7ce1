/**
 * `node bench/streams.ts [--rounds 3] [--seconds 0.3] [--only name,…]`: processor time of the server for responses and requests in
 * pieces, new connections, WebSockets and event streams. The servers take turns on one core, the load runs on another. The seconds
 * are those of processor time that each server uses in a turn.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findRuntime } from "../scripts/lib/runtimes.ts";
import { track } from "./lib/children.ts";
import { chooseCores, describeMachine, doubts } from "./lib/machine.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { type LoadReply, type LoadRequest, STREAM_WORKLOADS, type StreamWorkload } from "./lib/stream-load.ts";
import { median } from "./lib/statistics.ts";
import { BASELINE, type Command } from "./peers.ts";

const WARM_UP_SECONDS = 0.6;
/** More than a run takes that ends by its own limits. */
const RUN_TIMEOUT_MS = 120_000;

export interface StreamPeer {
  readonly name: string;
  readonly command: Command;
}

/** Bun takes part where scripts/runtimes is installed. */
export const STREAM_PEERS: readonly StreamPeer[] = [
  { name: "tsgi socket", command: command(process.execPath, "streams-tsgi.ts", "socket") },
  { name: "tsgi node", command: command(process.execPath, "streams-tsgi.ts", "node") },
  { name: BASELINE, command: command(process.execPath, "streams-node-http.ts") },
  ...[findRuntime("bun")].flatMap((bun) =>
    bun === null ? [] : [{ name: `bun ${bun.version}`, command: command(bun.program, "streams-bun.ts") }],
  ),
];

function command(program: string, file: string, ...args: readonly string[]): Command {
  return { program, args: [join(import.meta.dirname, "servers", file), ...args] };
}

/** The process that loads the servers. */
export class StreamLoad {
  readonly #child: ChildProcess;

  constructor(core: number | null) {
    this.#child = fork(join(import.meta.dirname, "lib/stream-load.ts"), core === null ? [] : [String(core)]);
    track(this.#child);
  }

  /** @param seconds of processor time, as is `warmUp`. @returns the processor time of the server in µs for each unit. */
  async run(
    server: ServerProcess,
    { name, clients }: StreamWorkload,
    seconds: number,
    warmUp: number,
  ): Promise<number> {
    const { pid, port } = server;
    const request: LoadRequest = {
      workload: name,
      clients,
      pid,
      port,
      warmUpMs: warmUp * 1000,
      measuredMs: seconds * 1000,
    };
    this.#child.send(request);
    const [reply] = (await once(this.#child, "message", { signal: AbortSignal.timeout(RUN_TIMEOUT_MS) })) as [
      LoadReply,
    ];
    if ("error" in reply) throw new Error(`${name}: ${reply.error}`);
    return (reply.cpuMilliseconds * 1000) / reply.units;
  }

  stop(): void {
    this.#child.kill();
  }
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "0.3" },
      only: { type: "string" },
    },
  });
  if (process.platform !== "linux") throw new Error("the bench needs Linux: it reads processor time from /proc");
  const only = values.only?.split(",");
  const workloads = STREAM_WORKLOADS.filter(({ name }) => only?.includes(name) ?? true);
  const cores = chooseCores();
  console.log(describeMachine());
  for (const doubt of doubts(cores)) console.log(`\n**Doubtful run.** ${doubt}`);
  console.log(
    `\nCPU µs of the server for each unit (× ${BASELINE}), medians of ${values.rounds} rounds of ${values.seconds} s of processor time.\n`,
  );

  const servers: ServerProcess[] = [];
  const load = new StreamLoad(cores?.load ?? null);
  try {
    for (const { command } of STREAM_PEERS) servers.push(await ServerProcess.start(command, cores?.server ?? null));
    console.log(row(["", "unit", ...STREAM_PEERS.map(({ name }) => name)]));
    console.log(row(["---", "---", ...STREAM_PEERS.map(() => "---:")]));
    for (const workload of workloads) {
      const rounds: (readonly number[])[] = [];
      for (let round = 0; round < Number(values.rounds); round += 1) {
        const costs: number[] = [];
        for (const server of servers)
          costs.push(await load.run(server, workload, Number(values.seconds), WARM_UP_SECONDS));
        rounds.push(costs);
      }
      console.log(row([workload.title, workload.unit, ...cells(rounds)]));
    }
  } finally {
    load.stop();
    for (const server of servers) await server.stop();
  }
}

/** Ratios are medians of the ratios of each round: the rounds differ more than the servers within one. */
function cells(rounds: readonly (readonly number[])[]): readonly string[] {
  const base = STREAM_PEERS.findIndex(({ name }) => name === BASELINE);
  return STREAM_PEERS.map((_peer, at) => {
    const cost = median(rounds.map((costs) => costs[at] ?? Number.NaN));
    const ratio = median(rounds.map((costs) => (costs[at] ?? Number.NaN) / (costs[base] ?? Number.NaN)));
    return `${cost.toLocaleString("en-GB", { maximumSignificantDigits: 3 })} (${ratio.toFixed(2)})`;
  });
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

if (import.meta.main) await run();
