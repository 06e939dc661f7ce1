/** `--watch`: runs the same command in a child process, and starts it again when a file has changed. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Config } from "../config.ts";
import { watchFiles } from "./watch-files.ts";

/** How long a child may live beyond its own shutdown time before it is killed. */
const KILL_GRACE_MS = 2000;

/** Resolves when a signal has ended it and its child. */
export async function watch(args: readonly string[], folder: string, config: Config): Promise<void> {
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
  /** Resolves when a file has changed or a signal has come, also if that was before the call. */
  const event = async (): Promise<"event"> => {
    while (changed.size === 0 && !state.stopped) await wake.promise;
    return "event";
  };

  for (;;) {
    changed.clear();
    child = start(args, config.fd);
    const outcome = await Promise.race([child.exited, event()]);
    if (outcome === "event") await child.stop(config.shutdownTimeoutMs + KILL_GRACE_MS);
    else say(`the application ended (${outcome}); waiting for a change`);
    await event();
    if (state.stopped) break;
    say(`${[...changed].toSorted().join(", ")} changed, starting again`);
  }
  unwatch();
  process.exit(0);
}

interface Child {
  /** How it ended, for a reader. */
  readonly exited: Promise<string>;
  /** Stops it, and kills it after the given time. */
  stop(timeoutMs: number): Promise<void>;
  kill(): void;
}

/** The descriptor of the inherited socket in the child, after the standard streams and the channel. */
const CHILD_FD = 4;

/**
 * The child is stopped by closing its channel, not by a signal: the Ctrl-C of a terminal reaches the child too, and a second signal
 * would end it at once. A child whose parent was killed stops in the same way.
 */
function start(args: readonly string[], fd: number | undefined): Child {
  const script = process.argv[1] ?? "";
  const env = {
    NODE_ENV: "development",
    ...process.env,
    TSGI_WATCH: "false",
    // The next child waits until this one has ended, so this one waits for no request on an idle connection.
    TSGI_DRAIN_IDLE_MS: "0",
    ...(fd !== undefined && { TSGI_FD: String(CHILD_FD) }),
  };
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, script, ...argumentsOfChild(args)], {
    stdio: ["inherit", "inherit", "inherit", "ipc", ...(fd === undefined ? [] : [fd])],
    env,
  });
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

/** Without the options that the environment of the child replaces. Those of the application stay. */
function argumentsOfChild(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  const kept = own.filter((word, i) => !/^--(?:watch|fd)(?:=|$)/.test(word) && (i === 0 || own[i - 1] !== "--fd"));
  return end === -1 ? kept : [...kept, ...args.slice(end)];
}

function say(message: string): void {
  process.stdout.write(`tsgi: ${message}\n`);
}
