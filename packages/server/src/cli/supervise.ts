/** `--watch`: runs the same command in a child process and starts it again when a file has changed. */
import { type ChildProcess, spawn } from "node:child_process";
import { watchFiles } from "./watch-files.ts";

/** What a child may take beyond its own shutdown time before it is killed. */
const KILL_GRACE_MS = 2000;

/** Resolves when a signal has ended it and its child. */
export async function supervise(args: readonly string[], folder: string, shutdownTimeoutMs: number): Promise<void> {
  const changed = new Set<string>();
  const state = { stopped: false };
  let child: Child | null = null;
  let wake = Promise.withResolvers<undefined>();
  const notify = () => {
    wake.resolve(undefined);
    wake = Promise.withResolvers();
  };
  const unwatch = await watchFiles(folder, (files) => {
    for (const file of files) changed.add(file);
    notify();
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (state.stopped) child?.kill();
      state.stopped = true;
      notify();
    });
  }
  /** Does not take the news away: it may be asked for twice. */
  const news = async (): Promise<"news"> => {
    while (changed.size === 0 && !state.stopped) await wake.promise;
    return "news";
  };

  for (;;) {
    changed.clear();
    child = start(args);
    const outcome = await Promise.race([child.exited, news()]);
    if (outcome === "news") await child.stop(shutdownTimeoutMs + KILL_GRACE_MS);
    else say(`the application ended (${outcome}); waiting for a change`);
    await news();
    if (state.stopped) break;
    say(`${[...changed].toSorted().join(", ")} changed, starting again`);
  }
  unwatch();
  process.exit(0);
}

interface Child {
  /** How it ended, for a reader. */
  readonly exited: Promise<string>;
  /** Asks it to end, and kills it after the given time. */
  stop(timeoutMs: number): Promise<void>;
  kill(): void;
}

/**
 * The child is asked to stop by closing its channel, not by a signal: a terminal's Ctrl-C reaches the child too, and a second
 * signal would cut its shutdown short. A child whose supervisor was killed learns of it in the same way.
 */
function start(args: readonly string[]): Child {
  const script = process.argv[1] ?? "";
  // The next child waits until this one has ended, which therefore waits for no request that may be on its way.
  const env = { ...process.env, TSGI_WATCH: "false", TSGI_DRAIN_IDLE_MS: "0" };
  const child: ChildProcess = spawn(
    process.execPath,
    [...process.execArgv, script, ...args.filter((word) => word !== "--watch")],
    { stdio: ["inherit", "inherit", "inherit", "ipc"], env },
  );
  const { promise: exited, resolve } = Promise.withResolvers<string>();
  child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code ?? 0}` : signal));
  child.once("error", (error) => resolve(error.message));
  const kill = () => void child.kill("SIGKILL");
  return {
    exited,
    kill,
    stop: async (timeoutMs) => {
      if (child.connected) child.disconnect();
      const timer = setTimeout(kill, timeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function say(message: string): void {
  process.stdout.write(`tsgi: ${message}\n`);
}
