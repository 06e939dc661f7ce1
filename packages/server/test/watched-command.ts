import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ADDRESS, CommandProcess } from "./command-process.ts";

const SHOWS_ERROR = /tsgi: (https?:\/\/\S+) shows the error/;

/** The command with `--watch`, in a folder of its own with the given files. */
export class WatchedCommand extends CommandProcess {
  readonly folder: string;
  /** What the standard output had when the last file was written. */
  #seen = 0;

  constructor(
    files: Readonly<Record<string, string>>,
    args: readonly string[] = ["0", "app.ts"],
    env: Readonly<Record<string, string>> = {},
    execArgv: readonly string[] = [],
  ) {
    const folder = mkdtempSync(join(tmpdir(), "tsgi-watched-"));
    write(folder, { "package.json": '{ "type": "module" }', ...files });
    super([...args, "--watch"], { cwd: folder, env, execArgv });
    this.folder = folder;
  }

  put(files: Readonly<Record<string, string>>): void {
    this.#seen = this.stdout.length;
    write(this.folder, files);
  }

  /** Waits until the application serves, since the last file was written. */
  async serves(): Promise<{ readonly url: string; readonly pid: number }> {
    const [, url = "", , pid] = await this.until(ADDRESS, this.#seen);
    return { url, pid: Number(pid) };
  }

  /** Waits until the page about a failure is there, since the last file was written. */
  async showsError(): Promise<string> {
    const [, url = ""] = await this.until(SHOWS_ERROR, this.#seen);
    return url;
  }

  /** Waits for a line since the last file was written. */
  async says(pattern: RegExp): Promise<void> {
    await this.until(pattern, this.#seen);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // In order, so that it takes its processes along.
    if (this.process.exitCode === null) this.process.kill("SIGTERM");
    const timer = setTimeout(() => this.process.kill("SIGKILL"), 5000);
    await this.exited;
    clearTimeout(timer);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

/** A module whose response is this text. */
export function appOf(text: string): string {
  return `export const application = (): object => ({ status: 200, body: ${JSON.stringify(text)} });\n`;
}
