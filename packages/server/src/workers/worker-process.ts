/** A worker as the supervisor sees it: a child process that serves on the inherited socket. */
import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import type { Readable } from "node:stream";
import { compileCacheVariable } from "../cli/compile-cache.ts";
import type { Start } from "../cli/start.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { readStack, STACK_TIMEOUT_MS } from "./stack.ts";

/** How a worker ended. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WorkerEvents {
  readonly ready: (url: string) => void;
  readonly heartbeat: (requests: number, metrics?: Metrics) => void;
  readonly exit: (exit: WorkerExit) => void;
}

/** {@link WorkerEvents}, and the messages that are not for the supervisor. */
export interface WorkerProcessEvents extends WorkerEvents {
  readonly broadcast: (message: unknown) => void;
}

/** What the supervisor needs of a worker; tests give it another one. */
export interface Worker {
  readonly pid: number;
  drain(idleMs: number): void;
  /** Ends it at once. */
  kill(): void;
  /** Where the code of a worker stands that does not respond; `null` where that cannot be read. */
  stack(): Promise<readonly string[] | null>;
}

/** A worker that runs as a process. */
export interface WorkerProcess extends Worker {
  /** Passes a message of another worker on to its threads. */
  broadcast(message: unknown): void;
  /** Opens the log files of the worker again. */
  reopenLogs(): void;
  /** Sends a message that is not the supervisor's. Nothing happens where the process has ended. */
  send(message: object): void;
  /** What the worker writes to its standard error stream. It reaches the terminal too. */
  readonly stderr: Readable | null;
}

export interface WorkerProcessOptions {
  /** The module that the process runs. It calls `serveAsWorker`. Default: `worker-main`. */
  readonly module?: URL;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gets the messages that are not for the supervisor. */
  readonly received?: (message: unknown) => void;
}

/** The descriptor of the listening socket in a worker: after the standard streams and the channel. */
const WORKER_FD = 4;

/** The module that a worker runs, a source here and compiled in the package. */
const moduleOf = (name: string): URL => new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);

/** Forks a worker. @param listenFd of the listening socket; `null` where the worker binds its own, as on Windows. */
export function startWorker(
  start: Start,
  listenFd: number | null,
  heartbeatMs: number,
  events: WorkerProcessEvents,
  { module, args = [], env = process.env, received = () => undefined }: WorkerProcessOptions = {},
): WorkerProcess {
  const { threads = 1 } = start.config;
  const child = fork(module ?? moduleOf(threads > 1 ? "threads-main" : "worker-main"), args, {
    env: { ...compileCacheVariable(), ...env },
    // The inspector opens only when the supervisor asks a stuck worker for its stack, and then on a port that is free.
    execArgv: [...process.execArgv, "--inspect-port=127.0.0.1:0"],
    // A descriptor for each thread, from WORKER_FD on: one that two threads share would be closed by the first of them.
    stdio: ["ignore", "inherit", "pipe", "ipc", ...(listenFd === null ? [] : Array<number>(threads).fill(listenFd))],
    serialization: "advanced",
  });
  const send = (message: object) => {
    // Without a callback, each message to a process that has just ended emits an error. Its exit is reported.
    if (child.connected) child.send(message, () => undefined);
  };
  const command: (message: ToWorker) => void = send;
  child.stderr?.pipe(process.stderr, { end: false });
  child.on("message", (message: FromWorker) => {
    if (message.kind === "ready") events.ready(message.url);
    else if (message.kind === "heartbeat") events.heartbeat(message.requests, message.metrics);
    else if (message.kind === "broadcast") events.broadcast(message.message);
    else if (message.kind === "stack") return;
    else received(message);
  });
  child.once("exit", (code, signal) => {
    events.exit({ code, signal });
  });
  child.on("error", () => {
    if (child.pid === undefined) events.exit({ code: 1, signal: null });
  });
  command({
    kind: "start",
    start: listenFd === null ? start : { ...start, config: { ...start.config, fd: WORKER_FD, path: undefined } },
    heartbeatMs,
  });
  return {
    pid: child.pid ?? 0,
    drain: (idleMs) => {
      command({ kind: "drain", idleMs });
    },
    broadcast: (message) => {
      command({ kind: "broadcast", message });
    },
    reopenLogs: () => {
      command({ kind: "reopen" });
    },
    kill: () => {
      child.kill("SIGKILL");
    },
    stack: () => {
      if (threads === 1) return readStack(child);
      command({ kind: "stack" });
      return threadStack(child);
    },
    send,
    stderr: child.stderr,
  };
}

/** The main thread of the process is not stuck, and reads the stack of the thread that is. */
function threadStack(child: ChildProcess): Promise<readonly string[] | null> {
  const { promise, resolve } = Promise.withResolvers<readonly string[] | null>();
  const timer = setTimeout(resolve, STACK_TIMEOUT_MS, null);
  const receive = (message: FromWorker) => {
    if (message.kind === "stack") resolve(message.frames);
  };
  child.on("message", receive);
  return promise.finally(() => {
    clearTimeout(timer);
    child.off("message", receive);
  });
}
