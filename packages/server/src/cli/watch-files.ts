/** Tells of changed source files below a folder. */
import { type Dirent, type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { extname, join, relative } from "node:path";

/** Changes that come within this time of each other are one: editors write a file in several steps. */
const SETTLE_MS = 50;

const EXTENSIONS = new Set(
  ".ts .mts .cts .tsx .js .mjs .cjs .jsx .json .eta .html .css .sql .csv .md .txt .svg .env .yaml .yml .toml".split(
    " ",
  ),
);
const SKIPPED_FOLDERS = new Set(["node_modules", "dist", "coverage"]);

/**
 * One watcher a folder rather than one recursive watcher: that one would walk node_modules too, and on Linux every folder in
 * it costs one of the user's inotify watches.
 * @param onChange with paths relative to the folder.
 * @returns once all is watched: a function that ends it.
 */
export async function watchFiles(root: string, onChange: (files: readonly string[]) => void): Promise<() => void> {
  const watchers = new Map<string, FSWatcher>();
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const report = (file: string) => {
    if (closed || !EXTENSIONS.has(extname(file))) return;
    changed.add(relative(root, file));
    clearTimeout(timer);
    timer = setTimeout(() => {
      const files = [...changed];
      changed.clear();
      onChange(files);
    }, SETTLE_MS);
  };

  /** What is found in a folder that has just appeared was written before anybody looked. */
  const add = async (folder: string, isNew: boolean): Promise<void> => {
    if (closed || watchers.has(folder)) return;
    let watcher: FSWatcher;
    let entries: Dirent[];
    try {
      watcher = watch(folder, (_event, name) => {
        if (name === null) return;
        const file = join(folder, name);
        report(file);
        if (isWatchedFolder(name) && !EXTENSIONS.has(extname(name))) void add(file, true);
      });
      watchers.set(folder, watcher);
      watcher.on("error", () => remove(folder));
      entries = await readdir(folder, { withFileTypes: true });
    } catch {
      remove(folder); // It is gone again, is no folder, or may not be read.
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

function isWatchedFolder(name: string): boolean {
  return !name.startsWith(".") && !SKIPPED_FOLDERS.has(name);
}
