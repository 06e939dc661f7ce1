/**
 * `node bench/concurrency.ts [--requests 200]`: what the classic ways to serve many clients cost in Node. Each request comes on a
 * connection of its own and its handler waits for 10 ms. The ways run one after the other on the same machine.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { describeMachine } from "./lib/machine.ts";
import { cpuMilliseconds, processTree, proportionalMegabytes, sum } from "./lib/process-tree.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { CONCURRENCY_WAYS } from "./servers/concurrency.ts";

const CLIENTS = 20;
const IDLE_CLIENTS = 20;
const IDLE_MS = 2000;
const REST_MS = 1000;
const REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

export interface ConcurrencyCost {
  /** With one client, and with 20 at the same time. */
  readonly requestsPerSecond: readonly [one: number, many: number];
  /** Of all processes, with 20 clients. */
  readonly cpuMsPerRequest: number;
  /** For each of 20 connections that are open and idle, with shared pages in parts. */
  readonly megabytesPerConnection: number;
  /** Of all processes in a second, while those connections are idle. */
  readonly idleCpuMs: number;
}

export async function measureConcurrency(way: string, requests: number): Promise<ConcurrencyCost> {
  const program = { program: process.execPath, args: [`${import.meta.dirname}/servers/concurrency.ts`, way] };
  const server = await ServerProcess.start(program, null);
  const { pid, port } = server;
  try {
    await load(port, 4, 4);
    const one = await load(port, 1, Math.ceil(requests / 10));
    const before = cpuOf(pid);
    const many = await load(port, CLIENTS, requests);
    const cpuMsPerRequest = (cpuOf(pid) - before) / requests;

    await delay(REST_MS);
    const memoryBefore = memoryOf(pid);
    const idle = await Promise.all(Array.from({ length: IDLE_CLIENTS }, () => open(port)));
    await delay(REST_MS);
    const megabytesPerConnection = (memoryOf(pid) - memoryBefore) / IDLE_CLIENTS;
    const idleBefore = cpuOf(pid);
    await delay(IDLE_MS);
    const idleCpuMs = ((cpuOf(pid) - idleBefore) / IDLE_MS) * 1000;
    for (const socket of idle) socket.destroy();
    return { requestsPerSecond: [one, many], cpuMsPerRequest, megabytesPerConnection, idleCpuMs };
  } finally {
    await server.stop();
  }
}

/** @returns requests per second. */
async function load(port: number, clients: number, requests: number): Promise<number> {
  const startedAt = performance.now();
  let left = requests;
  const client = async () => {
    while (left-- > 0) await request(port);
  };
  await Promise.all(Array.from({ length: clients }, client));
  return requests / ((performance.now() - startedAt) / 1000);
}

async function request(port: number): Promise<void> {
  const socket = await open(port);
  socket.write(REQUEST);
  let text = "";
  for await (const piece of socket as AsyncIterable<Buffer>) text += piece.toString("latin1");
  if (!text.endsWith("ok\n")) throw new Error(`the server sent ${JSON.stringify(text)}`);
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

const cpuOf = (pid: number): number => sum(processTree(pid).map(cpuMilliseconds));
const memoryOf = (pid: number): number => sum(processTree(pid).map(proportionalMegabytes));

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { requests: { type: "string", default: "200" } } });
  if (process.platform !== "linux") throw new Error("the bench needs Linux: it reads processor time from /proc");
  console.log(`${describeMachine()}\n`);
  console.log(
    "| way | requests/s, 1 client | requests/s, 20 clients | CPU ms/request | MB/idle connection | idle CPU ms/s |\n| --- | ---: | ---: | ---: | ---: | ---: |",
  );
  for (const way of CONCURRENCY_WAYS) {
    const cost = await measureConcurrency(way, Number(values.requests));
    const [one, many] = cost.requestsPerSecond;
    console.log(
      `| ${way} | ${one.toFixed(0)} | ${many.toFixed(0)} | ${cost.cpuMsPerRequest.toFixed(1)} | ${cost.megabytesPerConnection.toFixed(2)} | ${cost.idleCpuMs.toFixed(0)} |`,
    );
  }
}

if (import.meta.main) await run();
