import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ADDRESS, CommandProcess } from "./command-process.ts";

const SHOWS_ERROR = /tsgi: (https?:\/\/\S+) shows the error/;

/** How long it may take to end in order. */
const END_MS = 20_000;

export interface WatchedOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Options of node. */
  readonly execArgv?: readonly string[];
  /** Symbolic links in the folder, with the paths that they lead to. */
  readonly links?: Readonly<Record<string, string>>;
}

/** The command with `--watch`, in a folder of its own with the given files. */
export class WatchedCommand extends CommandProcess {
  readonly folder: string;
  /** What the standard output had when the last file was written. */
  #seen = 0;

  constructor(
    files: Readonly<Record<string, string>>,
    args: readonly string[] = ["0", "app.ts"],
    { env = {}, execArgv = [], links = {} }: WatchedOptions = {},
  ) {
    const folder = mkdtempSync(join(tmpdir(), "tsgi-watched-"));
    for (const [name, content] of Object.entries({ "package.json": '{ "type": "module" }', ...files })) {
      putFile(join(folder, name), content);
    }
    for (const [name, path] of Object.entries(links)) symlinkSync(path, join(folder, name));
    super([...args, "--watch"], { cwd: folder, env, execArgv });
    this.folder = folder;
  }

  put(files: Readonly<Record<string, string>>): void {
    this.#seen = this.stdout.length;
    for (const [name, content] of Object.entries(files)) putFile(join(this.folder, name), content);
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
    if (this.isRunning) this.process.kill("SIGTERM");
    const timer = setTimeout(() => this.process.kill("SIGKILL"), END_MS);
    try {
      await this.exited;
    } finally {
      clearTimeout(timer);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

/** Puts the whole file there in one step: a watcher must not see a part of it. */
export function putFile(path: string, content: string): void {
  const folder = mkdtempSync(join(tmpdir(), "tsgi-put-"));
  const written = join(folder, "file");
  writeFileSync(written, content);
  mkdirSync(dirname(path), { recursive: true });
  renameSync(written, path);
  rmSync(folder, { recursive: true });
}

/** A module whose response is this text. */
export function appOf(text: string): string {
  return `export const application = (): object => ({ status: 200, body: ${JSON.stringify(text)} });\n`;
}
