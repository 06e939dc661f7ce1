/** The files that the servers serve. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WORKLOADS } from "../workloads.ts";

/** Writes the files of all workloads to `files/` in a folder. */
export async function writeFiles(root: string): Promise<void> {
  await mkdir(join(root, "files"));
  for (const { file, content, status } of WORKLOADS) {
    if (file !== null && status === 200) await writeFile(join(root, "files", file), content);
  }
}
