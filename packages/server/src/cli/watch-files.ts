/** Reports changed source files below a folder. */
import { type Dirent, type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, extname, join, relative } from "node:path";

/** Changes within this time are reported together: editors write a file in several steps. */
const SETTLE_MS = 50;

const EXTENSIONS = new Set(
  ".ts .mts .cts .tsx .js .mjs .cjs .jsx .json .eta .html .css .sql .csv .md .txt .svg .env .yaml .yml .toml".split(
    " ",
  ),
);
const SKIPPED_FOLDERS = new Set(["node_modules", "dist", "coverage"]);

/**
 * One watcher for each folder, not a recursive one: that would include node_modules, and on Linux each folder costs one of the
 * user's inotify watches.
 * @param onChange gets paths relative to the folder.
 * @returns a function that ends it, when every folder is watched.
 */
export async function watchFiles(root: string, onChange: (files: readonly string[]) => void): Promise<() => void> {
  const watchers = new Map<string, FSWatcher>();
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const report = (file: string) => {
    if (closed || !isWatchedFile(basename(file))) return;
    changed.add(relative(root, file));
    clearTimeout(timer);
    timer = setTimeout(() => {
      const files = [...changed];
      changed.clear();
      onChange(files);
    }, SETTLE_MS);
  };

  /** Files in a folder that has just appeared are reported: they were written before it was watched. */
  const add = async (folder: string, isNew: boolean): Promise<void> => {
    if (closed || watchers.has(folder)) return;
    let watcher: FSWatcher;
    let entries: Dirent[];
    try {
      watcher = watch(folder, (_event, name) => {
        if (name === null) return;
        const file = join(folder, name);
        report(file);
        if (isWatchedFolder(name) && !isWatchedFile(name)) void add(file, true);
      });
      watchers.set(folder, watcher);
      watcher.on("error", () => remove(folder));
      entries = await readdir(folder, { withFileTypes: true });
    } catch {
      remove(folder); // It was removed, is not a folder, or cannot be read.
      return;
    }
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && isWatchedFolder(entry.name)) await add(path, isNew);
      else if (isNew) report(path);
    }
  };

  const remove = (folder: string) => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };

  await add(root, false);
  return () => {
    closed = true;
    clearTimeout(timer);
    for (const folder of watchers.keys()) remove(folder);
  };
}

/** `.env`, `.env.local`, or a file with one of the extensions. */
function isWatchedFile(name: string): boolean {
  return /^\.env(?:\.|$)/.test(name) || EXTENSIONS.has(extname(name));
}

function isWatchedFolder(name: string): boolean {
  return !name.startsWith(".") && !SKIPPED_FOLDERS.has(name);
}
