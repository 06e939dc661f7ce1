/** A server in a separate process: starts it, reads its usage from /proc, and stops it by its id. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "../peers.ts";
import { track } from "./children.ts";
import { pinned } from "./machine.ts";
import { cpuMilliseconds, residentMegabytes } from "./process-tree.ts";

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5000;

export class ServerProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly pid: number;
  readonly #listensToInput: boolean;

  private constructor(child: ChildProcess, pid: number, port: number, listensToInput: boolean) {
    this.#child = child;
    this.pid = pid;
    this.port = port;
    this.#listensToInput = listensToInput;
  }

  /** @throws Error if it does not listen within a minute. */
  static async start({ program, args, port }: Command, core: number | null): Promise<ServerProcess> {
    const [file, ...rest] = pinned(core, program, args);
    // View engines and applications of this repository look at their files for each request in development.
    const env = { ...process.env, NODE_ENV: "production" };
    const child = spawn(file, rest, { env, stdio: ["pipe", "pipe", "inherit"] });
    track(child);
    child.stdin.on("error", () => {});
    try {
      await once(child, "spawn");
      const said = port ?? Number(await unlessItEnds(child, nextLine(child)));
      if (port !== undefined) await unlessItEnds(child, accepting(port));
      if (child.pid === undefined || !Number.isInteger(said)) throw new Error(`${program} did not print its port`);
      return new ServerProcess(child, child.pid, said, port === undefined);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** User and system time of all its threads. Where there is no /proc, the server must be one that uses control.ts. */
  async cpuMicroseconds(): Promise<number> {
    return process.platform === "linux" ? cpuMilliseconds(this.pid) * 1000 : Number(await this.#ask("cpu"));
  }

  residentBytes(): number {
    return residentMegabytes(this.pid) * 2 ** 20;
  }

  async collectGarbage(): Promise<void> {
    await this.#ask("heap");
  }

  /** Of JavaScript objects and buffers, after a garbage collection. */
  async heapBytes(): Promise<number> {
    await this.collectGarbage();
    // A second collection frees what the first has released.
    return Number(await this.#ask("heap"));
  }

  async #ask(command: string): Promise<string> {
    const line = nextLine(this.#child);
    this.#child.stdin?.write(`${command}\n`);
    return unlessItEnds(this.#child, line);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    // These servers exit at the end of their input, so they can write a profile first; nginx ignores its input.
    child.stdin?.end();
    if (!this.#listensToInput) child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(kill);
  }
}

async function nextLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("The server has no standard output");
  const [data] = (await once(child.stdout, "data")) as [Buffer];
  return data.toString().trim();
}

/** @throws Error if the process ends or the time is over before the work is done. */
async function unlessItEnds<T>(child: ChildProcess, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const options = { signal: over.signal, ref: false };
  const exited = once(child, "exit", options).then(([code, signal]) => `ended with ${String(code ?? signal)}`);
  const late = delay(START_TIMEOUT_MS, `was silent for ${START_TIMEOUT_MS / 1000} s`, options);
  const failure = Promise.race([exited, late]).then((reason) => {
    throw new Error(`The server ${reason}`);
  });
  try {
    return await Promise.race([work, failure]);
  } finally {
    // Both reject then, which is not a failure.
    exited.catch(() => {});
    late.catch(() => {});
    failure.catch(() => {});
    over.abort();
  }
}

/** Fulfils when the port accepts connections; rejects if it does not in time. */
async function accepting(port: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    } finally {
      socket.destroy();
    }
    await delay(20);
  }
}
