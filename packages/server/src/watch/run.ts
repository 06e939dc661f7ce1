/** The processes that serve one version of the application, or the page about its failure. */
import { extname } from "node:path";
import type { Start } from "../cli/start.ts";
import { startWorker, type WorkerEvents, type WorkerExit, type WorkerProcess } from "../workers/worker-process.ts";
import { type Failure, readFailure } from "../cli/failure.ts";
import type { FilesChanged } from "./messages.ts";
import { OutputTail } from "../cli/output-tail.ts";

const MODULE = new URL(`./application-main${extname(import.meta.url)}`, import.meta.url);

const HEARTBEAT_MS = 1000;

/** How long a process may live after it was asked to stop: its running requests get a second, its `shutdown` the rest. */
const STOP_MS = 3000;

export interface RunOptions {
  /** How many processes. */
  readonly count: number;
  /** The descriptor of the listening socket; `null` where the processes bind their own. */
  readonly fd: number | null;
  /** Differs from that of every earlier run. */
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gets the messages of the processes. */
  readonly received: (message: unknown) => void;
  /** Sees the events of each process on their way. */
  readonly observe: (events: WorkerEvents) => WorkerEvents;
}

export class Run {
  /** The URL, when all processes listen. */
  readonly ready: Promise<string>;
  /** The first process that ends by itself. */
  readonly ended: Promise<Failure>;
  readonly #processes: readonly WorkerProcess[];
  readonly #exits: readonly Promise<unknown>[];
  #isStopping = false;

  constructor(start: Start, { count, fd, version, env, received, observe }: RunOptions) {
    const ready = Promise.withResolvers<string>();
    const ended = Promise.withResolvers<Failure>();
    this.ready = ready.promise;
    this.ended = ended.promise;
    const { startTimeoutMs } = start.config;
    let waiting = count;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.kill();
    }, startTimeoutMs);
    const pairs = Array.from({ length: count }, () => {
      const exited = Promise.withResolvers<undefined>();
      const events = observe({
        ready: (url) => {
          if (--waiting > 0) return;
          clearTimeout(timer);
          ready.resolve(url);
        },
        heartbeat: () => undefined,
        exit: (exit) => {
          clearTimeout(timer);
          exited.resolve(undefined);
          if (this.#isStopping) return;
          const how = isLate ? `it did not listen within ${startTimeoutMs / 1000} s` : describeExit(exit);
          void output.read().then((text) => ended.resolve(readFailure(how, text)));
        },
      });
      const broadcast = (message: unknown) => {
        for (const other of this.#processes) if (other !== process) other.broadcast(message);
      };
      const process = startWorker(
        start,
        fd,
        HEARTBEAT_MS,
        { ...events, broadcast },
        { module: MODULE, args: [version], env, received },
      );
      const output = new OutputTail(process.stderr);
      return { process, exited: exited.promise };
    });
    this.#processes = pairs.map(({ process }) => process);
    this.#exits = pairs.map(({ exited }) => exited);
  }

  get pids(): readonly number[] {
    return this.#processes.map(({ pid }) => pid);
  }

  update(change: FilesChanged): void {
    for (const process of this.#processes) process.send(change);
  }

  /** Resolves when all processes have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    // Connections wait in the backlog for the next run, so an idle one has nothing to wait for here.
    for (const process of this.#processes) process.drain(0);
    const timer = setTimeout(() => {
      this.kill();
    }, STOP_MS);
    await Promise.all(this.#exits);
    clearTimeout(timer);
  }

  kill(): void {
    for (const process of this.#processes) process.kill();
  }
}

function describeExit({ code, signal }: WorkerExit): string {
  return signal ?? `exit code ${code ?? 0}`;
}
