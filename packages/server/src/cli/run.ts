/** Runs a server in this process until a signal, or the process that watches files, stops it. */
import type { Server } from "@tsgi/gateway-spec";
import type { Config } from "../config.ts";
import { serverKind } from "./server-kind.ts";
import { type Start, startServer } from "./start.ts";

/** Resolves when the server listens; the process then lives until it is stopped. Rejects if it cannot start. */
export async function run(start: Start): Promise<void> {
  // The parent disconnects to stop this process. Before the server listens there is nothing to finish.
  process.once("disconnect", exit);
  const readiness = { isReady: false };
  if (start.config.opsPort !== undefined) await observe(start.config, readiness);
  const server = await startServer(start);
  process.off("disconnect", exit);
  readiness.isReady = true;
  const { accessLogFile, drainDelayMs } = start.config;
  stopOnSignal(server, drainDelayMs, () => {
    readiness.isReady = false;
  });
  // Without a log file, SIGUSR1 is node's own: it opens the inspector.
  if (accessLogFile !== undefined) {
    const { reopenLogFiles } = await import("../observe/log-file.ts");
    process.on("SIGUSR1", reopenLogFiles);
  }
  process.stdout.write(`tsgi: ${server.url} (${serverKind(start.config.server)} server, pid ${process.pid})\n`);
}

/** Before the application starts, so that a probe can tell a slow start from a dead process. */
async function observe(config: Config, readiness: { readonly isReady: boolean }): Promise<void> {
  const { Collector, prometheusText } = await import("../observe/metrics.ts");
  const { serveOperations } = await import("../observe/operations-server.ts");
  const collector = new Collector();
  const operations = await serveOperations(config, {
    isReady: () => readiness.isReady,
    metrics: () => prometheusText(collector.metrics(), null),
  });
  collector.leaveOut(operations);
}

function exit(): void {
  process.exit(0);
}

/** The exit codes that a shell reports for a process that a signal ended. */
export const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** The first signal shuts down in order, and the server logs what it waits for; a second one ends the process at once. */
function stopOnSignal(server: Server, delayMs: number, stopped: () => void): void {
  let stopping = false;
  const close = () => {
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error("tsgi: the application's shutdown failed:", error);
        process.exit(1);
      },
    );
  };
  const stop = (again: string) => {
    if (stopping) return;
    stopping = true;
    stopped();
    process.stdout.write(`tsgi: shutting down${again}\n`);
    if (delayMs === 0) close();
    else setTimeout(close, delayMs);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(EXIT_CODES[signal]);
      stop(signal === "SIGINT" ? "; press Ctrl-C again to end at once" : `; a second ${signal} ends it at once`);
    });
  }
  process.once("disconnect", () => {
    stop("");
  });
}
