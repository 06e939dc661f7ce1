/**
 * The module of a worker process with several threads. Each thread is an event loop that serves on a descriptor of its own, and runs
 * what a process without threads runs. This module starts them, passes the supervisor's messages on, and speaks for all of them: the
 * process is what is replaced and reloaded.
 */
import { extname } from "node:path";
import { Worker as Thread } from "node:worker_threads";
import { addMetrics, type Metrics } from "../observe/metrics.ts";
import { relayBroadcasts } from "./broadcasts.ts";
import { CHANNEL } from "./channel.ts";
import { ignoreGroupSignals } from "./group-signals.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { readThreadStack } from "./thread-stack.ts";

/** What a process without threads runs, a source here and compiled in the package. */
const MODULE = new URL(`./worker-main${extname(import.meta.url)}`, import.meta.url);

interface Member {
  readonly thread: Thread;
  readonly id: number;
  isReady: boolean;
  /** Since the last heartbeat of the process. */
  hasTurned: boolean;
  requests: number;
  metrics: Metrics | null;
}

const members = new Set<Member>();
let requestsOfEnded = 0;
let isReady = false;
let isDraining = false;
let exitCode = 0;

const broadcasts = relayBroadcasts();

ignoreGroupSignals();
process.on("SIGTERM", () => {
  drain();
});
CHANNEL.onClose(() => {
  drain();
});
CHANNEL.onMessage((message) => {
  if (message.kind === "start") start(message);
  else if (message.kind === "drain") drain(message.idleMs);
  else if (message.kind === "stack") void sendStack();
  else if (message.kind === "broadcast") broadcasts.postMessage(message.message);
  else for (const { thread } of members) post(thread, message);
});

function start(message: Extract<ToWorker, { kind: "start" }>): void {
  const { config } = message.start;
  const { threads = 1, fd = 0 } = config;
  for (let i = 0; i < threads; i++) {
    const thread = new Thread(MODULE);
    const member: Member = {
      thread,
      id: thread.threadId,
      isReady: false,
      hasTurned: false,
      requests: 0,
      metrics: null,
    };
    members.add(member);
    thread.on("message", (received: FromWorker) => {
      receive(member, received);
    });
    // The thread has logged it: its own handlers of uncaught exceptions come first.
    thread.on("error", (error) => {
      console.error("tsgi: a thread failed:", error);
      exitCode = 1;
    });
    thread.on("exit", (code) => {
      ended(member, code);
    });
    post(thread, { ...message, start: { ...message.start, config: { ...config, fd: fd + i } } });
  }
}

function receive(member: Member, message: FromWorker): void {
  if (message.kind === "ready") {
    member.isReady = true;
    isReady = [...members].every((one) => one.isReady);
    if (isReady) CHANNEL.send(message);
  } else if (message.kind === "heartbeat") {
    member.requests = message.requests;
    member.metrics = message.metrics ?? null;
    member.hasTurned = true;
    // A process whose event loops do not all turn must miss its heartbeat.
    if (isReady && [...members].every((one) => one.hasTurned)) beat();
  }
}

function beat(sent?: () => void): void {
  let requests = requestsOfEnded;
  for (const member of members) {
    member.hasTurned = false;
    requests += member.requests;
  }
  const metrics = sumOfThreads([...members].flatMap((member) => member.metrics ?? []));
  CHANNEL.send({ kind: "heartbeat", requests, ...(metrics !== null && { metrics }) }, sent);
}

/** Memory and CPU time are those of the whole process in each thread. */
function sumOfThreads(all: readonly Metrics[]): Metrics | null {
  const last = all.at(-1);
  if (last === undefined) return null;
  const { residentBytes, cpuSeconds } = last;
  return { ...addMetrics(all), residentBytes, cpuSeconds };
}

function drain(idleMs?: number): void {
  isDraining = true;
  for (const { thread } of members) post(thread, { kind: "drain", ...(idleMs !== undefined && { idleMs }) });
}

/** One thread that ends takes the others along: the supervisor starts another process. */
function ended(member: Member, code: number): void {
  exitCode ||= code;
  if (members.size === 1) {
    // With the last counters.
    beat(() => process.exit(exitCode));
    return;
  }
  members.delete(member);
  requestsOfEnded += member.requests;
  if (!isReady && exitCode !== 0) process.exit(exitCode);
  if (!isDraining) {
    exitCode ||= 1;
    drain();
  }
}

async function sendStack(): Promise<void> {
  const stuck = [...members].find(({ hasTurned }) => !hasTurned);
  CHANNEL.send({ kind: "stack", frames: stuck === undefined ? null : await readThreadStack(stuck.id) });
}

function post(thread: Thread, message: ToWorker): void {
  thread.postMessage(message, []);
}
