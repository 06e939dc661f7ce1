/**
 * The runtimes beside the repository's own Node. They are a pnpm workspace of their own, which only the commands that need them
 * install: an install of the repository, and with it `dev`, brings none of their 400 MB.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { findProgram, lastLines, run, withProgress } from "./machine.ts";

const FOLDER = join(import.meta.dirname, "../runtimes");

/** The program of each package in scripts/runtimes/package.json. */
const PROGRAMS = {
  "node-22": "bin/node",
  "node-24": "bin/node",
  bun: "bin/bun.exe",
  deno: process.platform === "win32" ? "deno.exe" : "deno",
} as const;

export type RuntimeName = keyof typeof PROGRAMS;

export interface Runtime {
  /** The path of its program. */
  readonly program: string;
  /** Such as `22.13.1`. */
  readonly version: string;
}

/** `null` where it is not installed. */
export function findRuntime(name: RuntimeName): Runtime | null {
  const folder = join(FOLDER, "node_modules", name);
  const program = join(folder, PROGRAMS[name]);
  if (!existsSync(program)) return null;
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly version: string };
  return { program, version };
}

/** Installs what the lock file of scripts/runtimes names. It is quick where that is installed. @throws Error with the end of pnpm's output. */
export async function installRuntimes(): Promise<void> {
  const pnpm = findProgram(["pnpm"], process.env);
  const [program, ...args] = pnpm === null ? ["npx", "-y", "pnpm@12"] : [pnpm];
  await withProgress("installing Bun, Deno and the older versions of Node", async () => {
    const { status, output } = await run(program ?? "npx", [...args, "install", "--frozen-lockfile"], {
      cwd: FOLDER,
      env: process.env,
    });
    if (status !== 0) throw new Error(`pnpm could not install the runtimes in ${FOLDER}:\n${lastLines(output)}`);
  });
}

/** @throws Error where it is not installed. */
export function requireRuntime(name: RuntimeName): Runtime {
  const runtime = findRuntime(name);
  if (runtime === null) throw new Error(`no ${name}: run npx -y pnpm@12 install in scripts/runtimes`);
  return runtime;
}
