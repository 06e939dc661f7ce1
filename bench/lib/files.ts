/** The files that the servers serve. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WORKLOADS } from "../workloads.ts";

/** Writes the files of all workloads to `files/` in a folder. */
export async function writeFiles(root: string): Promise<void> {
  await mkdir(join(root, "files"));
  const files = new Map(WORKLOADS.flatMap(({ files }) => Object.entries(files)));
  for (const [name, content] of files) await writeFile(join(root, "files", name), content, "latin1");
}
