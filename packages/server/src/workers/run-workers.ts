/**
 * The command with workers: binds the socket, runs the supervisor, and turns signals into its calls.
 *
 * | signal | effect |
 * |---|---|
 * | TERM, INT | drain all workers and end; a second one kills them |
 * | HUP | read the configuration again, start a new generation of workers, then drain the old one |
 * | USR1 | open the log files again |
 * | TTIN, TTOU | one worker more, one less |
 */
import { rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { type Start, withCertificate } from "../cli/start.ts";
import { timePrefix } from "../cli/log-time.ts";
import { SYSTEM_CLOCK } from "../runtime/clock.ts";
import { prometheusText } from "../observe/metrics.ts";
import { serveOperations } from "../observe/operations-server.ts";
import { readConfigurationAgain } from "../cli/configuration-process.ts";
import { workersOf } from "../cli/configuration.ts";
import type { Config } from "../config.ts";
import { bindListeningSocket } from "./listening-socket.ts";
import { residentBytes } from "./memory.ts";
import { notifySystemd, watchdogIntervalMs } from "./notify.ts";
import { reconfigure } from "./reconfigure.ts";
import { serveStatus, statusSocketPath } from "./status.ts";
import { Supervisor, type SupervisorOptions } from "./supervisor.ts";
import { WorkerMetrics } from "./worker-metrics.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";

/** How often a worker says that its event loop turns. */
const HEARTBEAT_MS = 1000;

/** A reload is patient with idle connections, so that it closes none that would not have been closed anyway, up to this bound. */
const MAX_RELOAD_IDLE_MS = 30_000;

/**
 * Resolves with the exit code when all workers have ended.
 * @param args of the command, from which a reload reads the configuration again.
 */
export async function runWorkers(start: Start, args: readonly string[], workers: number): Promise<number> {
  const { config } = start;
  const metrics = config.opsPort === undefined ? null : new WorkerMetrics();
  let running: Supervisor | null = null;
  let isStopping = false;
  if (metrics !== null) {
    await serveOperations(config, {
      isReady: () => !isStopping && running?.isReady === true,
      metrics: () => prometheusText(metrics.sum(), running?.count() ?? {}),
    });
  }
  const socket = await bindListeningSocket(config);
  let shared = await withCertificate(start);
  const { pidFile } = config;
  if (pidFile !== undefined) await writePidFile(pidFile);
  let url = "";
  const processes = new Set<WorkerProcess>();
  const supervisor = new Supervisor(
    supervisorOptions(config, workers),
    (created) => {
      const events = metrics === null ? created : metrics.watch(created);
      const process = startWorker(shared, socket.fd, HEARTBEAT_MS, {
        ...events,
        ready: (given) => {
          url = given;
          events.ready(given);
        },
        exit: (exit) => {
          processes.delete(process);
          events.exit(exit);
        },
        broadcast: (message) => {
          for (const other of processes) if (other !== process) other.broadcast(message);
        },
      });
      processes.add(process);
      return process;
    },
    residentBytes,
    SYSTEM_CLOCK,
    { info: say, warn },
  );
  running = supervisor;
  const status = pidFile === undefined ? null : await serveStatus(statusSocketPath(pidFile), () => supervisor.rows());
  let closing: Promise<void> | null = null;
  // Not later: connections that the kernel still accepts after the workers stopped would wait, and be reset at the end.
  const closeSocket = () => (closing ??= socket.close());
  const stop = () => {
    supervisor.stop();
    void closeSocket();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (isStopping) {
        // The workers may not have begun to drain, in the time of drainDelayMs.
        stop();
        supervisor.stop();
        return;
      }
      isStopping = true;
      const { drainDelayMs, shutdownTimeoutMs } = shared.config;
      say(`shutting down: running requests may finish, for at most ${shutdownTimeoutMs / 1000} seconds`);
      notifySystemd("STOPPING=1");
      if (drainDelayMs === 0) stop();
      else setTimeout(stop, drainDelayMs).unref();
    });
  }

  const reload = async () => {
    if (isStopping) return;
    notifySystemd("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    // LISTEN_FDS is no longer in the environment.
    const env = { ...process.env, ...(config.fd !== undefined && { TSGI_FD: String(config.fd) }) };
    const next = await readConfigurationAgain(args, env);
    if ("config" in next) {
      const { config: applied, kept } = reconfigure(shared.config, next.config);
      if (kept.length > 0) warn(`reload: ${kept.join(", ")} changed, which needs a restart; the old value stays`);
      const before = shared;
      shared = { ...before, config: applied, applicationArguments: next.applicationArguments };
      const serves = await supervisor.reload(supervisorOptions(applied, workersOf(applied) ?? 1));
      if (!serves) shared = before;
    } else {
      warn("reload: the configuration cannot be used; the workers stay as they are");
    }
    notifySystemd("READY=1");
  };
  let reloads = Promise.resolve();
  process.on("SIGHUP", () => {
    reloads = reloads.then(reload);
  });
  process.on("SIGUSR1", () => {
    for (const worker of processes) worker.reopenLogs();
    say("the log files are opened again");
  });
  process.on("SIGTTIN", () => {
    supervisor.addWorker();
  });
  process.on("SIGTTOU", () => {
    supervisor.removeWorker();
  });

  if (await supervisor.started) {
    const { threads } = config;
    const each = threads === undefined ? "" : ` of ${count(threads, "thread")}`;
    say(`${url} (${config.server} server, ${count(workers, "worker")}${each}, pid ${process.pid})`);
    notifySystemd("READY=1");
    const intervalMs = watchdogIntervalMs(process.env);
    if (intervalMs !== null) setInterval(notifySystemd, intervalMs, "WATCHDOG=1").unref();
  }
  const code = await supervisor.ended;
  status?.close();
  await closeSocket();
  if (pidFile !== undefined)
    await Promise.all([rm(pidFile, { force: true }), rm(statusSocketPath(pidFile), { force: true })]);
  return code;
}

function supervisorOptions(config: Config, workers: number): SupervisorOptions {
  return {
    workers,
    startTimeoutMs: config.startTimeoutMs,
    stuckTimeoutMs: config.stuckTimeoutMs,
    maxRequests: config.maxRequestsPerWorker,
    maxMemoryBytes: config.maxWorkerMemoryBytes,
    stopIdleMs: config.drainIdleMs,
    reloadIdleMs: Math.min(config.keepAliveTimeoutMs, MAX_RELOAD_IDLE_MS),
  };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function say(message: string): void {
  process.stdout.write(`${timePrefix()}tsgi: ${message}\n`);
}

function warn(message: string): void {
  process.stderr.write(`${timePrefix()}tsgi: ${message}\n`);
}

/** @throws Error where the process of an earlier file still runs. */
async function writePidFile(path: string): Promise<void> {
  try {
    await writeFile(path, `${process.pid}\n`, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const pid = Number(readFileSync(path, "utf8"));
    if (isOtherProcess(pid)) {
      throw new Error(`The PID file ${path} names the running process ${pid}: stop it first, or use another file`, {
        cause: error,
      });
    }
    await writeFile(path, `${process.pid}\n`);
  }
}

/** Not this process: after a restart of a container, it may have the same id again. An empty file has the id 0, that of a group. */
function isOtherProcess(pid: number): boolean {
  if (pid === process.pid || !(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
