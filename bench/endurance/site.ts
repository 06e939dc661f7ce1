/** The demo under `tsgi --workers`, as a process that a run observes from outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../packages/framework/test/free-port.ts";
import { track } from "../lib/children.ts";

const STOCK_APP = fileURLToPath(new URL("../../packages/stock-app/", import.meta.url));
const TSGI = fileURLToPath(new URL("../../packages/server/src/cli.ts", import.meta.url));

/** Of one process at one moment. */
export interface ProcessSample {
  readonly residentBytes: number;
  readonly descriptors: number;
}

export class Site implements AsyncDisposable {
  readonly origin: string;
  /** The lines of the standard error. */
  readonly errors: string[] = [];
  /** How often a worker has started and has died. */
  starts = 0;
  deaths = 0;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #operations: string;

  private constructor(child: ChildProcess, folder: string, port: number, operationsPort: number) {
    this.#child = child;
    this.#folder = folder;
    this.origin = `http://127.0.0.1:${port}`;
    this.#operations = `http://127.0.0.1:${operationsPort}`;
  }

  /** @param databaseUrl null is an SQLite file in a folder of its own. */
  static async start(workers: number, databaseUrl: string | null, ...args: readonly string[]): Promise<Site> {
    const folder = await mkdtemp(join(tmpdir(), "tsgi-endurance-"));
    const [port = 0, operationsPort = 0] = await freePorts(2);
    const options = ["--workers", String(workers), "--ops-port", String(operationsPort), ...args];
    const child = spawn(process.execPath, [TSGI, String(port), "./src/main.ts:application", ...options], {
      cwd: STOCK_APP,
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl ?? `sqlite:${join(folder, "stock.db")}`,
        SESSION_KEY: "0123456789abcdef0123456789abcdef",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    track(child);
    const site = new Site(child, folder, port, operationsPort);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      site.errors.push(...text.trimEnd().split("\n"));
      site.deaths += text.match(/worker \d+ died/g)?.length ?? 0;
    });
    const listening = new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        site.starts += text.match(/worker \d+ serves/g)?.length ?? 0;
        if (text.includes("tsgi: http")) resolve();
      });
      child.once("exit", () => {
        reject(new Error(`The demo ended:\n${site.errors.join("\n")}`));
      });
    });
    await listening;
    return site;
  }

  /** The supervisor first, then its workers. */
  get pids(): readonly number[] {
    const supervisor = this.#child.pid ?? 0;
    return [supervisor, ...workersOf(supervisor)];
  }

  samples(): readonly ProcessSample[] {
    return this.pids.flatMap((pid) => {
      try {
        const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
        return [{ residentBytes: Number(resident) * 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length }];
      } catch {
        // It has just ended.
        return [];
      }
    });
  }

  /** A value of `/metrics`, summed over its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.#operations}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** @returns the exit code of the supervisor. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const exited = once(this.#child, "exit") as Promise<[number | null]>;
    this.#child.kill("SIGTERM");
    return (await exited)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function workersOf(supervisor: number): readonly number[] {
  try {
    return readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, "latin1")
      .trim()
      .split(" ")
      .map(Number)
      .filter((pid) => pid > 0);
  } catch {
    return [];
  }
}
