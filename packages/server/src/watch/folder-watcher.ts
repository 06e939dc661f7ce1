/**
 * Reports events of files. One watcher for each folder, not a recursive one: that would include node_modules, and on Linux each folder
 * costs one of the user's inotify watches. Not one for each file: an editor that saves by renaming replaces the file that is watched.
 */
import { type Dirent, type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

interface Folder {
  readonly watcher: FSWatcher;
  /** Whether the folders in it are watched too. */
  isTree: boolean;
}

export class FolderWatcher {
  readonly #onEvent: (file: string) => void;
  readonly #onProblem: (error: NodeJS.ErrnoException) => void;
  readonly #folders = new Map<string, Folder>();
  #closed = false;

  /**
   * @param onEvent gets the path of what may have been changed, created or removed in a watched folder.
   * @param onProblem gets the error of a folder that exists and cannot be watched, such as `ENOSPC` for too many.
   */
  constructor(onEvent: (file: string) => void, onProblem: (error: NodeJS.ErrnoException) => void) {
    this.#onEvent = onEvent;
    this.#onProblem = onProblem;
  }

  /** Watches one folder, without those in it. */
  watchFolder(folder: string): void {
    if (!this.#folders.has(folder)) this.#add(folder);
  }

  /** Watches a folder with all in it, except for packages and what begins with a dot. Resolves when all of it is watched. */
  watchTree(folder: string): Promise<void> {
    return this.#addTree(folder, false);
  }

  close(): void {
    this.#closed = true;
    for (const folder of this.#folders.keys()) this.#remove(folder);
  }

  /** @param isNew whether its files are reported: they were written before the folder was watched. */
  async #addTree(path: string, isNew: boolean): Promise<void> {
    let entries: Dirent[];
    const folder = this.#folders.get(path) ?? this.#add(path);
    if (folder === null || folder.isTree) return;
    folder.isTree = true;
    try {
      entries = await readdir(path, { withFileTypes: true });
    } catch {
      this.#remove(path); // It is a file, or it was removed.
      return;
    }
    for (const entry of entries) {
      const inside = join(path, entry.name);
      if (entry.isDirectory() && isWatchedFolder(entry.name)) await this.#addTree(inside, isNew);
      else if (isNew) this.#onEvent(inside);
    }
  }

  #add(path: string): Folder | null {
    if (this.#closed) return null;
    let watcher: FSWatcher;
    try {
      watcher = watch(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTDIR") this.#onProblem(error as NodeJS.ErrnoException);
      return null;
    }
    const folder: Folder = { watcher, isTree: false };
    this.#folders.set(path, folder);
    watcher.on("change", (event, name) => {
      const inside = join(path, String(name));
      this.#onEvent(inside);
      // "rename" is also what was created.
      if (folder.isTree && event === "rename" && isWatchedFolder(String(name))) void this.#addTree(inside, true);
    });
    watcher.on("error", () => {
      this.#remove(path);
    });
    return folder;
  }

  #remove(path: string): void {
    this.#folders.get(path)?.watcher.close();
    this.#folders.delete(path);
  }
}

function isWatchedFolder(name: string): boolean {
  return !name.startsWith(".") && name !== "node_modules";
}
