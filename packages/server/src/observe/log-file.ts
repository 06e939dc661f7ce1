/** A log file that several processes append to, and that is opened again after logrotate has renamed it. */
import { closeSync, openSync, writeSync } from "node:fs";

/** How long a line waits for others, which leave with it in one write. */
const WAIT_MS = 200;

const MAX_WAITING_CHARACTERS = 64 * 1024;

const files = new Set<LogFile>();

/** Opens all log files of this process by their names again. */
export function reopenLogFiles(): void {
  for (const file of files) file.reopen();
}

export class LogFile {
  readonly #path: string;
  #descriptor: number;
  #waiting = "";

  /** @throws node's error, such as `EACCES`. */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openSync(path, "a");
    files.add(this);
    process.on("exit", this.#flush);
  }

  /** @param line without its end. */
  readonly write = (line: string): void => {
    if (this.#waiting === "") setTimeout(this.#flush, WAIT_MS).unref();
    this.#waiting += `${line}\n`;
    if (this.#waiting.length > MAX_WAITING_CHARACTERS) this.#flush();
  };

  /** Lines from before go to the old file. A file that cannot be opened leaves the old one in use. */
  reopen(): void {
    this.#flush();
    try {
      const descriptor = openSync(this.#path, "a");
      closeSync(this.#descriptor);
      this.#descriptor = descriptor;
    } catch (error) {
      console.error(`tsgi: the log file ${this.#path} cannot be opened again; the old one stays:`, error);
    }
  }

  readonly #flush = (): void => {
    const waiting = Buffer.from(this.#waiting);
    this.#waiting = "";
    try {
      // Appending is atomic for a write, so lines of several processes do not mix.
      for (let written = 0; written < waiting.length;) written += writeSync(this.#descriptor, waiting, written);
    } catch (error) {
      console.error(`tsgi: lines of the log file ${this.#path} are lost:`, error);
    }
  };
}
