/** What a changed file means: what the application has loaded restarts it, what a page shows reloads the page. */
import { statSync } from "node:fs";
import { basename, extname, sep } from "node:path";

export type Effect = "restart" | "reload" | "styles" | "none";

/** Files that pages show: views, styles, images, scripts for browsers. The application reads them for each request. */
const SHOWN = new Set(
  (
    ".html .htm .xhtml .eta .ejs .hbs .njk .liquid .mustache .pug .md .css .js .mjs .wasm .svg .png .jpg .jpeg .gif .webp .avif .ico " +
    ".woff .woff2 .webmanifest"
  ).split(" "),
);

/** Files that may fix an application that does not start, beside those. */
const SOURCES = new Set(".ts .mts .cts .tsx .cjs .jsx .json .sql .csv .yaml .yml .toml".split(" "));

export class Changes {
  /** By path, what the process has loaded. */
  readonly #loaded = new Map<string, string>();
  /** Files, and folders with all in them. */
  readonly #watched: readonly string[];

  /** @param watched paths of files and folders that restart the application, beside what it loads. */
  constructor(watched: readonly string[]) {
    this.#watched = watched;
  }

  /** The process has loaded this file. @param version that it has loaded, or an older one. */
  loaded(file: string, version: string = versionOf(file)): void {
    this.#loaded.set(file, version);
  }

  /** A new process loads its files again. */
  forget(): void {
    this.#loaded.clear();
  }

  /** @param isServing whether the application runs. If not, any source may be what it waits for. */
  effectOf(file: string, isServing: boolean): Effect {
    const version = this.#loaded.get(file);
    if (version !== undefined) return version === versionOf(file) ? "none" : "restart";
    const name = basename(file);
    if (/^\.env(?:\.|$)/.test(name) || this.#watched.some((path) => file === path || file.startsWith(path + sep))) {
      return "restart";
    }
    const extension = extname(name);
    // A runtime other than Node does not report what it loads.
    if (this.#loaded.size === 0 && /\.[cm]?[jt]sx?$/.test(name)) return "restart";
    if (!isServing) return SHOWN.has(extension) || SOURCES.has(extension) ? "restart" : "none";
    if (extension === ".css") return "styles";
    return SHOWN.has(extension) ? "reload" : "none";
  }
}

/** Differs after each change. Of events that say nothing new, such as a late one of an earlier change, there are many. */
export function versionOf(file: string): string {
  const { ino, mtimeMs, size } = statSync(file, { throwIfNoEntry: false }) ?? { ino: 0, mtimeMs: 0, size: -1 };
  return `${ino} ${mtimeMs} ${size}`;
}
