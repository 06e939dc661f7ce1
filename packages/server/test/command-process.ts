import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const CLI: string = fileURLToPath(new URL("../src/cli.ts", import.meta.url));

/** The line of a command that serves. */
export const ADDRESS: RegExp =
  /tsgi: (https?:\/\/\S+) \((socket|node) server, (?:\d+ workers?(?: of \d+ threads?)?, )?pid (\d+)\)/;

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Descriptors that the command inherits, from 3 on. */
  readonly descriptors?: readonly number[];
  /** Options of node. */
  readonly execArgv?: readonly string[];
}

/** The command in a process of its own, killed where the test ends. */
export class CommandProcess implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout = "";
  stderr = "";
  #wake = Promise.withResolvers<undefined>();

  constructor(args: readonly string[], { env = {}, cwd, descriptors = [], execArgv = [] }: CommandOptions) {
    const { PATH = "", NODE_OPTIONS = "" } = process.env;
    const stdio = ["ignore", "pipe", "pipe", ...descriptors] as const;
    this.process = spawn(process.execPath, [...execArgv, CLI, ...args], {
      cwd,
      env: { PATH, NODE_OPTIONS, ...env },
      stdio: [...stdio],
    });
    this.process.stdout?.on("data", (bytes: Buffer) => {
      this.stdout += bytes.toString();
      this.#notify();
    });
    this.process.stderr?.on("data", (bytes: Buffer) => {
      this.stderr += bytes.toString();
      this.#notify();
    });
    this.exited = new Promise((resolve) => {
      this.process.once("close", (code) => {
        resolve(code);
        this.#notify();
      });
    });
  }

  /** Waits until a standard stream holds the pattern behind the given place. */
  async until(pattern: RegExp, from = 0, stream: "stdout" | "stderr" = "stdout"): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream].slice(from));
      if (match !== null) return match;
      if (this.process.exitCode !== null) throw new Error(`It ended:\n${this.stdout}\n${this.stderr}`);
      await this.#wake.promise;
    }
  }

  async get(path = ""): Promise<string> {
    const [, url = ""] = await this.until(ADDRESS);
    const response = await fetch(url + path);
    return response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null) this.process.kill("SIGKILL");
    await this.exited;
  }

  #notify(): void {
    this.#wake.resolve(undefined);
    this.#wake = Promise.withResolvers();
  }
}
