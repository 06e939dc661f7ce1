/**
 * `--watch`: this process owns the listening socket and never accepts, as the supervisor of workers does. The application runs in
 * another process, which inherits the socket and is replaced when what it has loaded changes. Meanwhile requests wait.
 */
import { availableParallelism } from "node:os";
import { basename, dirname, extname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT_CODES } from "../cli/run.ts";
import { serverKind } from "../cli/server-kind.ts";
import { type Start, withCertificate } from "../cli/start.ts";
import type { Config } from "../config.ts";
import { bindListeningSocket, type ListeningSocket } from "../workers/listening-socket.ts";
import type { WorkerMetrics } from "../workers/worker-metrics.ts";
import { Changes } from "./changes.ts";
import { childEnvironment, envFiles } from "./environment.ts";
import { readConfigurationAgain } from "../cli/configuration-process.ts";
import { type Failure, readFailure } from "../cli/failure.ts";
import { FolderWatcher } from "./folder-watcher.ts";
import { type FromApplication, type NodeReport, reportedFiles } from "./messages.ts";
import { Run } from "./run.ts";

/** Changes within this time are handled together: editors write a file in several steps. */
const SETTLE_MS = 50;

/** How long the page about a failure may take to start: the time of the application may be too short for it. */
const PAGE_START_MS = 60_000;

const FAILURE_MODULE = new URL(`./failure-application${extname(import.meta.url)}`, import.meta.url);

/**
 * @param args of the command, to read its configuration again.
 * @param configFiles of which one may exist.
 * @returns the exit code, after a signal. Rejects where the socket cannot be bound.
 */
export async function watch(start: Start, args: readonly string[], configFiles: readonly string[]): Promise<number> {
  const socket = await bindSocket(start.config);
  const watch = new Watch(await withCertificate(start), socket, args, configFiles);
  await watch.serveOperations();
  return watch.run();
}

class Watch {
  #start: Start;
  #socket: ListeningSocket | null;
  readonly #args: readonly string[];
  readonly #configFiles: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #envFiles: readonly string[];
  #changes: Changes;
  #metrics: WorkerMetrics | null = null;
  readonly #folders: FolderWatcher;
  /** Settles when all folders are watched that have to be so far. */
  #foldersWatched: Promise<unknown> = Promise.resolve();
  /** What the running processes are, and what pages are stamped with. */
  #version = 0;
  readonly #since = Date.now().toString(36);
  #run: Run | null = null;
  /** Whether the run is the application, not the page about its failure. */
  #isServing = false;
  #isReady = false;
  #isConfigOld = false;
  /** Changed files that wait for further ones, and whether one of them restarts the application. */
  readonly #changed = new Set<string>();
  #restarts = false;
  #timer: NodeJS.Timeout | undefined;
  /** Resolves with what has changed, for a reader. */
  #restart = Promise.withResolvers<string>();
  readonly #stopped = Promise.withResolvers<number>();
  #isStopping = false;

  constructor(start: Start, socket: ListeningSocket | null, args: readonly string[], configFiles: readonly string[]) {
    this.#start = start;
    this.#socket = socket;
    this.#args = args;
    this.#configFiles = configFiles;
    this.#envFiles = envFiles(process.execArgv).map((file) => resolve(start.folder, file));
    this.#environment = childEnvironment(process.env, this.#envFiles, process.stderr);
    this.#folders = new FolderWatcher(
      (file) => {
        this.#onEvent(file);
      },
      once(({ message }) => {
        say(`changes in some folders are not seen: ${message}`);
      }),
    );
    this.#changes = this.#watchPaths();
  }

  /** Starts the operations port, if there is one. */
  async serveOperations(): Promise<void> {
    if (this.#start.config.opsPort === undefined) return;
    // Imported where they are used: node:http alone takes 10 ms of CPU time.
    const { prometheusText } = await import("../observe/metrics.ts");
    const { serveOperations } = await import("../observe/operations-server.ts");
    const { WorkerMetrics } = await import("../workers/worker-metrics.ts");
    const metrics = new WorkerMetrics();
    this.#metrics = metrics;
    await serveOperations(this.#start.config, {
      isReady: () => this.#isReady,
      metrics: () => prometheusText(metrics.sum(), null),
    });
  }

  async run(): Promise<number> {
    this.#stopOnSignals();
    let failure: Failure | null = null;
    for (;;) {
      // After a failure the pending restart stays: a change during the failure may have fixed it.
      if (failure === null) {
        this.#restart = Promise.withResolvers();
        this.#forgetChanges();
        failure = await this.#readConfiguration();
      }
      const run: Run = failure === null ? this.#startApplication() : this.#showFailure(failure);
      this.#run = run;
      // After the first process has begun to start: until it has loaded a file, no change of it is missed.
      if (this.#version === 1) this.#watchTree(this.#start.folder);
      const outcome: Failure | string | number = await Promise.race([
        run.ended,
        this.#restart.promise,
        this.#stopped.promise,
      ]);
      this.#isReady = false;
      await run.stop();
      if (this.#isStopping) break;
      failure = null;
      if (typeof outcome === "string") say(`${outcome}starting again`);
      else if (typeof outcome === "object" && this.#isServing) {
        failure = outcome;
        say(`the application ended (${outcome.how}); waiting for a change`);
      } else {
        // The page itself failed: there is nothing better to show.
        await Promise.race([this.#restart.promise, this.#stopped.promise]);
      }
    }
    this.#folders.close();
    await this.#socket?.close();
    return this.#stopped.promise;
  }

  #startApplication(): Run {
    this.#isServing = true;
    this.#changes.forget();
    const run = this.#newRun(this.#start, processCount(this.#start.config));
    void this.#announce(run);
    return run;
  }

  /** Printed when all folders are watched, so that no later change is missed. */
  async #announce(run: Run): Promise<void> {
    const url = await run.ready;
    if (run !== this.#run) return;
    this.#isReady = true;
    await this.#foldersWatched;
    if (run !== this.#run) return;
    const [pid = 0, ...others] = run.pids;
    const what = others.length === 0 ? `pid ${pid}` : `${run.pids.length} workers, pid ${process.pid}`;
    say(`${url} (${this.#start.config.server} server, ${what})`);
  }

  #showFailure(failure: Failure): Run {
    this.#isServing = false;
    const { config, folder } = this.#start;
    const page: Config = {
      ...config,
      application: `${fileURLToPath(FAILURE_MODULE)}:application`,
      static: [],
      accessLog: "off",
      opsPort: undefined,
      startTimeoutMs: PAGE_START_MS,
    };
    const run = this.#newRun(
      { ...this.#start, config: page, folder, applicationArguments: [JSON.stringify(failure)] },
      1,
    );
    void this.#announceFailure(run);
    return run;
  }

  async #announceFailure(run: Run): Promise<void> {
    const [url] = await Promise.all([run.ready, this.#foldersWatched]);
    if (run === this.#run) say(`${url} shows the error`);
  }

  #newRun(start: Start, count: number): Run {
    const run: Run = new Run(start, {
      count,
      fd: this.#socket?.fd ?? null,
      version: this.#nextVersion(),
      env: this.#environment,
      received: (message) => {
        if (run === this.#run) this.#receive(message as FromApplication);
      },
      observe: (events) => this.#metrics?.watch(events) ?? events,
    });
    return run;
  }

  #nextVersion(): string {
    this.#version++;
    return `${this.#since}.${this.#version}`;
  }

  #receive(message: FromApplication | NodeReport): void {
    if ("kind" in message) {
      if (message.kind === "loaded") this.#loaded(message.file, message.version);
      else this.#restart.resolve("");
    } else for (const file of reportedFiles(message)) this.#loaded(file);
  }

  #loaded(file: string, version?: string): void {
    // What the page about a failure loads is not the application's.
    if (!this.#isServing) return;
    this.#changes.loaded(file, version);
    this.#folders.watchFolder(dirname(file));
    // The file may have changed after the application read it and before this process watched it.
    this.#onEvent(file);
  }

  #onEvent(file: string): void {
    const effect = this.#changes.effectOf(file, this.#isServing);
    if (effect === "none") return;
    if (this.#configFiles.includes(file)) this.#isConfigOld = true;
    if (effect === "restart") this.#restarts = true;
    this.#changed.add(file);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#apply();
    }, SETTLE_MS);
  }

  #apply(): void {
    const files = [...this.#changed].toSorted();
    const restarts = this.#restarts;
    this.#forgetChanges();
    const names = files.map((file) => displayName(file, this.#start.folder));
    const shown = names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
    if (restarts) {
      this.#restart.resolve(`${shown} changed, `);
      return;
    }
    const areStyles = files.every((file) => file.endsWith(".css"));
    // Before it is ready, it may be the application that writes them.
    if (this.#isReady) say(`${shown} changed, ${areStyles ? "pages take the new styles" : "pages reload"}`);
    this.#run?.update({
      kind: "files-changed",
      version: this.#nextVersion(),
      styles: areStyles ? files.map((file) => basename(file)) : null,
    });
  }

  #forgetChanges(): void {
    clearTimeout(this.#timer);
    this.#changed.clear();
    this.#restarts = false;
  }

  /** Watches what restarts the application beside what it loads. */
  #watchPaths(): Changes {
    const { config, folder } = this.#start;
    const paths = config.watchPath.map((path) => resolve(folder, path));
    for (const path of paths) this.#watchTree(path);
    const watched = [...this.#envFiles, ...this.#configFiles, ...paths];
    for (const path of watched) this.#folders.watchFolder(dirname(path));
    return new Changes(watched);
  }

  #watchTree(path: string): void {
    this.#foldersWatched = Promise.all([this.#foldersWatched, this.#folders.watchTree(path)]);
  }

  /** Only after a change of it. @returns why it cannot be used. The socket stays, unless its address has changed. */
  async #readConfiguration(): Promise<Failure | null> {
    if (!this.#isConfigOld) return null;
    this.#isConfigOld = false;
    const read = await readConfigurationAgain(this.#args, this.#environment);
    if (!("config" in read)) {
      this.#isConfigOld = true;
      return read;
    }
    const { config } = this.#start;
    // A descriptor that was inherited by LISTEN_FDS is no longer in the environment.
    const fd = config.fd ?? read.config.fd;
    const next: Start = { ...read, config: { ...read.config, fd } };
    if (fd === undefined && placeOf(next.config) !== placeOf(config)) {
      try {
        const socket = await bindSocket(next.config);
        await this.#socket?.close();
        this.#socket = socket;
      } catch (error) {
        return readFailure("it cannot listen", `tsgi: ${String(error)}`);
      }
    }
    const { certificate } = this.#start;
    this.#start = certificate === undefined ? await withCertificate(next) : { ...next, certificate };
    this.#changes = this.#watchPaths();
    return null;
  }

  /** The first signal stops in order, a second one kills. */
  #stopOnSignals(): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (this.#isStopping) {
          this.#run?.kill();
          process.exit(EXIT_CODES[signal]);
        }
        this.#isStopping = true;
        this.#stopped.resolve(0);
      });
    }
  }
}

/** `null` where the processes bind it themselves, one after another: they cannot inherit it. */
async function bindSocket(config: Config): Promise<ListeningSocket | null> {
  return inherits(config) ? bindListeningSocket(config) : null;
}

/** On Windows a socket has no descriptor, and the servers of Bun and Deno take none. */
function inherits(config: Config): boolean {
  const kind = serverKind(config.server);
  return process.platform !== "win32" && kind !== "bun" && kind !== "deno";
}

function processCount(config: Config): number {
  const { workers = 1 } = config;
  if (!inherits(config)) return 1;
  return workers === "auto" ? availableParallelism() : workers;
}

function placeOf({ hostname, port, path }: Config): string {
  return path ?? `${hostname} ${port}`;
}

/** Without a long way up. */
function displayName(file: string, folder: string): string {
  const path = relative(folder, file);
  return path.startsWith("../../..") ? file : path;
}

function once<T>(call: (value: T) => void): (value: T) => void {
  let called = false;
  return (value) => {
    if (!called) call(value);
    called = true;
  };
}

function say(message: string): void {
  process.stdout.write(`tsgi: ${message}\n`);
}
