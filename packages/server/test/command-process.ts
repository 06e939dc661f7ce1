import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFailed, TestRunner } from "vitest";

export const CLI: string = fileURLToPath(new URL("../src/cli.ts", import.meta.url));

/** The line of a command that serves. */
export const ADDRESS: RegExp =
  /tsgi: (https?:\/\/\S+) \((socket|node) server, (?:\d+ workers?(?: of \d+ threads?)?, )?pid (\d+)\)/;

/** Longer than anything that a test waits for takes on a busy machine, and shorter than `testTimeout`, which gives no reason. */
const WAIT_MS = 60_000;

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Descriptors that the command inherits, from 3 on. */
  readonly descriptors?: readonly number[];
  /** Options of node. */
  readonly execArgv?: readonly string[];
}

/** The command in a process of its own, killed where the test ends. Where a test fails, its output is printed. */
export class CommandProcess implements AsyncDisposable {
  readonly process: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #name: string;
  /** The process has ended, and so have those that inherited its streams. */
  #isClosed = false;
  #wake = Promise.withResolvers<undefined>();

  constructor(args: readonly string[], { env = {}, cwd, descriptors = [], execArgv = [] }: CommandOptions) {
    const { PATH = "", NODE_OPTIONS = "" } = process.env;
    const stdio = ["ignore", "pipe", "pipe", ...descriptors] as const;
    this.#name = `tsgi ${args.join(" ")}`;
    this.process = spawn(process.execPath, [...execArgv, CLI, ...args], {
      cwd,
      env: { PATH, NODE_OPTIONS, ...env },
      stdio: [...stdio],
    });
    for (const name of ["stdout", "stderr"] as const) {
      this.process[name]?.setEncoding("utf8").on("data", (text: string) => {
        this[name] += text;
        this.#notify();
      });
    }
    this.process.once("close", () => {
      this.#isClosed = true;
      this.#notify();
    });
    // Not in beforeAll.
    if (TestRunner.getCurrentTest() !== undefined) {
      onTestFailed(() => {
        console.log(this.#describe("The test has failed."));
        // A test that has timed out still waits, and disposes of nothing.
        this.process.kill("SIGKILL");
      });
    }
  }

  /** The exit code; `null` after a signal. Resolves when the standard streams have ended too. */
  get exited(): Promise<number | null> {
    return this.#wait("end", () => (this.#isClosed ? { code: this.process.exitCode } : null)).then(({ code }) => code);
  }

  /** Whether the process itself has not ended. */
  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Waits until the whole lines of a standard stream behind the given place match the pattern. */
  until(pattern: RegExp, from = 0, stream: "stdout" | "stderr" = "stdout"): Promise<RegExpExecArray> {
    return this.#wait(`${String(pattern)} in ${stream}`, () => {
      const text = this[stream];
      return pattern.exec(text.slice(from, text.lastIndexOf("\n") + 1));
    });
  }

  /** The text of a response, on a connection of its own: one that a process before a restart has left would be closed. */
  async get(path = ""): Promise<string> {
    const [, url = ""] = await this.until(ADDRESS);
    const response = await fetch(url + path, { headers: { connection: "close" } });
    return response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) this.process.kill("SIGKILL");
    await this.exited;
  }

  /** Looks at each event. Rejects when nothing can happen any more, and after a time. */
  async #wait<T extends object>(what: string, look: () => T | null): Promise<T> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#notify();
    }, WAIT_MS);
    try {
      for (;;) {
        const found = look();
        if (found !== null) return found;
        if (this.#isClosed) throw new Error(this.#describe(`It ended without ${what}.`));
        if (isLate) throw new Error(this.#describe(`There is no ${what} within ${WAIT_MS / 1000} s.`));
        await this.#wake.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #describe(what: string): string {
    const { exitCode, signalCode, pid } = this.process;
    const state = this.isRunning ? `runs as process ${pid}` : `has ended with ${signalCode ?? exitCode}`;
    return `${what}\n${this.#name} ${state}\nIts standard output:\n${this.stdout}\nIts standard error:\n${this.stderr}`;
  }

  #notify(): void {
    this.#wake.resolve(undefined);
    this.#wake = Promise.withResolvers();
  }
}
