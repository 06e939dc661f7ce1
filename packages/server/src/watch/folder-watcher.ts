/**
 * Reports events of files. One watcher for each folder, not a recursive one: that would include node_modules, and on Linux each folder
 * costs one of the user's inotify watches. Not one for each file: an editor that saves by renaming replaces the file that is watched.
 */
import { type Dirent, type FSWatcher, lstatSync, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, sep } from "node:path";

interface Folder {
  readonly watcher: FSWatcher;
  /** Whether the folders in it are watched too. */
  isTree: boolean;
}

export class FolderWatcher {
  readonly #onEvent: (file: string) => void;
  readonly #onProblem: (error: NodeJS.ErrnoException) => void;
  readonly #folders = new Map<string, Folder>();
  /** What `watchTree` was called with. */
  readonly #roots = new Set<string>();
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
    this.#roots.add(folder);
    return this.#addTree(folder, false);
  }

  close(): void {
    this.#closed = true;
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
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
      this.#remove(path, folder); // It is a file, or it was removed.
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
      if (event === "rename") this.#renamed(path, folder, inside);
    });
    watcher.on("error", () => {
      this.#remove(path, folder);
    });
    return folder;
  }

  /** Something was created, removed or moved. A watcher of a folder that was removed reports nothing of the next one of its name. */
  #renamed(path: string, folder: Folder, inside: string): void {
    const name = basename(inside);
    if (this.#folders.has(inside)) {
      for (const [other, watched] of this.#folders) {
        if (other === inside || other.startsWith(inside + sep)) this.#remove(other, watched);
      }
    }
    const isOfTree = this.#roots.has(inside) || (folder.isTree && isWatchedFolder(name));
    if (isOfTree && isFolder(inside)) void this.#addTree(inside, true);
    // This is how a watcher reports that its own folder was removed, or it is of something in the folder that has its name.
    if (name !== basename(path)) return;
    // Before the old one closes: where the folder is the same, no event is lost.
    const again = this.#add(path);
    if (again !== null) again.isTree = folder.isTree;
    this.#remove(path, folder);
  }

  #remove(path: string, folder: Folder): void {
    folder.watcher.close();
    if (this.#folders.get(path) === folder) this.#folders.delete(path);
  }
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false; // It was removed.
  }
}

function isWatchedFolder(name: string): boolean {
  return !name.startsWith(".") && name !== "node_modules";
}
