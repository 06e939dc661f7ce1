/**
 * `node bench/sharing.ts [--seconds 2] [--rounds 3]`: processor time of a request with one event loop and with two, by each way of
 * sharing a port. The ways take turns on the same machine. It needs Linux, wrk and a Node with `net.BoundSocket`.
 */
import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { freePorts } from "../packages/framework/test/free-port.ts";
import { findProgram } from "../scripts/lib/machine.ts";
import { describeMachine } from "./lib/machine.ts";
import { cpuMilliseconds, processTree, sum } from "./lib/process-tree.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { median } from "./lib/statistics.ts";
import { parseReport } from "./lib/wrk.ts";

const COMMAND = [
  `${import.meta.dirname}/../packages/server/src/cli.ts`,
  `${import.meta.dirname}/servers/sharing-application.ts`,
];
const SLOTS = `${import.meta.dirname}/servers/sharing-slots.ts`;
const CONNECTIONS = 16;
/** For workers that start behind the first one. */
const START_MS = 1500;

type Arguments = (port: number) => readonly string[];

const WAYS: ReadonlyMap<string, Arguments> = new Map<string, Arguments>([
  ["one process", (port) => [...COMMAND, "--port", String(port)]],
  ["`--workers 1`: one socket", (port) => [...COMMAND, "--port", String(port), "--workers", "1"]],
  ["`--workers 2`: one socket", (port) => [...COMMAND, "--port", String(port), "--workers", "2"]],
  ["`--threads 2`: one socket", (port) => [...COMMAND, "--port", String(port), "--threads", "2"]],
  ["slots: 1 process", (port) => [SLOTS, String(port), "1"]],
  ["slots: 2 processes", (port) => [SLOTS, String(port), "2"]],
]);

export interface SharingCost {
  /** Of all processes, on persistent connections and with a connection for each request. */
  readonly cpuMicroseconds: readonly [persistent: number, fresh: number];
  readonly requestsPerSecond: readonly [persistent: number, fresh: number];
}

export async function measureSharing(way: string, seconds: number): Promise<SharingCost> {
  const [port = 0] = await freePorts(1);
  const args = WAYS.get(way)?.(port) ?? [];
  const server = await ServerProcess.start({ program: process.execPath, args, port }, null);
  try {
    await delay(START_MS);
    await load(port, 1, []);
    const persistent = await measure(server.pid, port, seconds, []);
    const fresh = await measure(server.pid, port, seconds, ["-H", "Connection: close"]);
    return {
      cpuMicroseconds: [persistent.cpuMicroseconds, fresh.cpuMicroseconds],
      requestsPerSecond: [persistent.requestsPerSecond, fresh.requestsPerSecond],
    };
  } finally {
    await server.stop();
  }
}

async function measure(pid: number, port: number, seconds: number, options: readonly string[]) {
  const cpu = () => sum(processTree(pid).map(cpuMilliseconds));
  const before = cpu();
  const { requests, requestsPerSecond } = await load(port, seconds, options);
  return { cpuMicroseconds: ((cpu() - before) * 1000) / requests, requestsPerSecond };
}

async function load(port: number, seconds: number, options: readonly string[]) {
  const wrk = findProgram(["wrk"], process.env);
  if (wrk === null) throw new Error("the bench needs wrk");
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, ...options, `http://127.0.0.1:${port}/`];
  return parseReport((await promisify(execFile)(wrk, args)).stdout);
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: { seconds: { type: "string", default: "2" }, rounds: { type: "string", default: "3" } },
  });
  const costs = new Map<string, SharingCost[]>([...WAYS.keys()].map((way) => [way, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [way, measured] of costs) measured.push(await measureSharing(way, Number(values.seconds)));
  }
  console.log(`${describeMachine()}\n`);
  console.log(
    "| way | CPU µs/request | share | CPU µs/request on a new connection | share | requests/s | requests/s on new connections |\n|---|---|---|---|---|---|---|",
  );
  let first: readonly number[] | null = null;
  for (const [way, measured] of costs) {
    const cpu = [0, 1].map((i) => median(measured.map(({ cpuMicroseconds }) => cpuMicroseconds[i] ?? Number.NaN)));
    const rate = [0, 1].map((i) => median(measured.map(({ requestsPerSecond }) => requestsPerSecond[i] ?? Number.NaN)));
    first ??= cpu;
    const share = (i: number) => `${Math.round(((cpu[i] ?? 0) / (first?.[i] ?? 1)) * 100)}%`;
    console.log(
      `| ${way} | ${cpu[0]?.toFixed(1)} | ${share(0)} | ${cpu[1]?.toFixed(0)} | ${share(1)} | ${rate[0]?.toFixed(0)} | ${rate[1]?.toFixed(0)} |`,
    );
  }
}

if (import.meta.main) await run();
