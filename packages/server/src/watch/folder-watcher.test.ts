import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FolderWatcher } from "./folder-watcher.ts";

let root = "";
let watcher: FolderWatcher;
const events = new Set<string>();
let wake: () => void = () => undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tsgi-watch-"));
  events.clear();
  watcher = new FolderWatcher(
    (file) => {
      events.add(relative(root, file));
      wake();
    },
    (error) => {
      throw error;
    },
  );
});
afterEach(() => {
  watcher.close();
  rmSync(root, { recursive: true });
});

/** Writes the files in order, the last one of which is reported. @returns what was reported. */
async function write(...names: readonly string[]): Promise<readonly string[]> {
  for (const name of names) {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), name);
  }
  await reported(names.at(-1) ?? "");
  return names.filter((name) => events.has(name));
}

function reported(name: string): Promise<unknown> {
  return new Promise((resolve) => {
    wake = () => {
      if (events.has(name)) resolve(undefined);
    };
    wake();
  });
}

test("reports files of a tree, except for packages and what begins with a dot", async () => {
  for (const folder of ["src/deep", "node_modules/x", ".git", "dist"])
    mkdirSync(join(root, folder), { recursive: true });
  await watcher.watchTree(root);
  expect(await write("node_modules/x/a.js", ".git/a", "app.ts", "dist/app.js", ".env", "src/deep/last.ts")).toEqual([
    "app.ts",
    "dist/app.js",
    ".env",
    "src/deep/last.ts",
  ]);
});

test("reports files that were written into a new folder before it was watched", async () => {
  await watcher.watchTree(root);
  expect(await write("new/inside/a.ts")).toEqual(["new/inside/a.ts"]);
});

test("reports files of a folder that was watched alone before its tree was", async () => {
  mkdirSync(join(root, "src/deep"), { recursive: true });
  watcher.watchFolder(join(root, "src"));
  await watcher.watchTree(root);
  expect(await write("src/deep/last.ts")).toEqual(["src/deep/last.ts"]);
});

test("reports a file that is replaced by renaming, and its removal", async () => {
  await watcher.watchTree(root);
  await write("app.ts");
  writeFileSync(join(root, "app.ts.new"), "2");
  events.clear();
  renameSync(join(root, "app.ts.new"), join(root, "app.ts"));
  await reported("app.ts");
  events.clear();
  rmSync(join(root, "app.ts"));
  await reported("app.ts");
});

test("reports files of a folder that is made again after it was removed", async () => {
  await watcher.watchTree(root);
  await write("src/deep/a.ts");
  rmSync(join(root, "src"), { recursive: true });
  await reported("src");
  await write("src/deep/b.ts");
  expect(await write("src/deep/c.ts")).toEqual(["src/deep/c.ts"]);
});

test.runIf(process.platform === "linux")("a folder that was removed can be watched alone again", async () => {
  const folder = join(root, "lib");
  mkdirSync(folder);
  watcher.watchFolder(folder);
  await write("lib/a.ts");
  rmSync(folder, { recursive: true });
  // What Linux reports of the folder itself.
  await reported("lib/lib");
  mkdirSync(folder);
  watcher.watchFolder(folder);
  expect(await write("lib/b.ts")).toEqual(["lib/b.ts"]);
});

test("reports every file of a folder, also behind one that has the name of the folder", async () => {
  await watcher.watchTree(root);
  expect(await write("src/src", "src/a.ts", "src/b.ts")).toEqual(["src/src", "src/a.ts", "src/b.ts"]);
});

test("a folder that is not there is no problem, one that may not be watched is", () => {
  const onProblem = vi.fn();
  const own = new FolderWatcher(() => undefined, onProblem);
  own.watchFolder(join(root, "absent"));
  expect(onProblem).not.toHaveBeenCalled();
  own.close();
});
