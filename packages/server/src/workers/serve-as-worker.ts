/** A worker process, or a thread of one: serves until the supervisor drains it or goes away. */
import { isMainThread } from "node:worker_threads";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { explain } from "../cli/explain.ts";
import { startServer } from "../cli/start.ts";
import type { Collector } from "../observe/metrics.ts";
import { reopenLogFiles } from "../observe/log-file.ts";
import { relayBroadcasts } from "./broadcasts.ts";
import { CHANNEL } from "./channel.ts";
import { ignoreGroupSignals } from "./group-signals.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

export interface WorkerHooks {
  /** Gets the handler of every request. */
  readonly wrap?: (handler: Handler) => Handler;
  /** How long this shutdown waits for running requests, in milliseconds. Default: `shutdownTimeoutMs` of the configuration. */
  readonly shutdownTimeoutMs?: () => number;
}

/** Called once, when the module of the process loads: messages that come before it are lost. */
export function serveAsWorker(given: WorkerHooks = {}): void {
  hooks = given;
  // A thread gets no signals, and its process relays broadcasts for all of its threads.
  const broadcasts = isMainThread ? relayBroadcasts() : null;
  if (isMainThread) {
    ignoreGroupSignals();
    // The supervisor reads them. Where it was killed, each write fails, and a report of that would be the next write.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
    process.on("SIGTERM", () => void drain());
  }
  // The supervisor was killed: stop accepting at once, finish what runs.
  CHANNEL.onClose(() => void drain());
  CHANNEL.onMessage((message) => {
    if (message.kind === "start") void start(message);
    else if (message.kind === "drain") void drain(message.idleMs);
    else if (message.kind === "broadcast") broadcasts?.postMessage(message.message);
    else if (message.kind === "reopen") reopenLogFiles();
  });
  process.on("uncaughtException", (error) => {
    fail("an uncaught exception", error);
  });
  process.on("unhandledRejection", (error) => {
    fail("an unhandled rejection", error);
  });
}

let hooks: WorkerHooks = {};
let serving: Promise<Server> | null = null;
let draining = false;
let requests = 0;
let collector: Collector | null = null;

async function start({ start: given, heartbeatMs }: Extract<ToWorker, { kind: "start" }>): Promise<void> {
  serving = startServer(given, (handler) => {
    const wrapped = hooks.wrap?.(handler) ?? handler;
    return (request, exchange) => {
      requests++;
      return wrapped(request, exchange);
    };
  });
  try {
    if (given.config.opsPort !== undefined) {
      const { Collector } = await import("../observe/metrics.ts");
      collector = new Collector();
    }
    const { url } = await serving;
    CHANNEL.send({ kind: "ready", url });
    setInterval(() => {
      CHANNEL.send(heartbeat());
    }, heartbeatMs).unref();
  } catch (error) {
    const line = explain(error, given.config);
    if (line === null) {
      leaveToNode(error);
      return;
    }
    process.stderr.write(`tsgi: ${line}\n`);
    process.exit(1);
  }
}

/** Shuts down in order and exits with 0; with 1 where the application's `shutdown` failed. */
async function drain(idleMs?: number, code = 0): Promise<void> {
  if (draining) return;
  draining = true;
  try {
    const server = await serving;
    const timeoutMs = hooks.shutdownTimeoutMs?.();
    await server?.close({ ...(idleMs !== undefined && { idleMs }), ...(timeoutMs !== undefined && { timeoutMs }) });
    // The last requests count too.
    CHANNEL.send(heartbeat(), () => process.exit(code));
  } catch (error) {
    console.error("tsgi: the application's shutdown failed:", error);
    process.exit(1);
  }
}

/**
 * After an error that no code caught, the state of the process is unknown (https://nodejs.org/api/process.html, uncaughtException):
 * it takes no more requests, running ones get their time, and the supervisor starts another worker.
 */
function fail(what: string, error: unknown): void {
  console.error(`tsgi: ${what} ends this worker:`, error);
  void drain(undefined, 1);
}

/** Node ends the process, and prints the place of a syntax error, which its stack does not have. */
function leaveToNode(reason: unknown): void {
  process.removeAllListeners("uncaughtException").removeAllListeners("unhandledRejection");
  void Promise.reject(reason);
}

function heartbeat(): FromWorker {
  return { kind: "heartbeat", requests, ...(collector !== null && { metrics: collector.metrics() }) };
}
