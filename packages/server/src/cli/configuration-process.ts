/** Reads the configuration again after a change of its file, in a process of its own: modules cannot be loaded twice in one. */
import { fork } from "node:child_process";
import { extname } from "node:path";
import type { Start } from "./start.ts";
import { type Failure, readFailure } from "./failure.ts";
import { OutputTail } from "./output-tail.ts";

const MODULE = new URL(`./configuration-main${extname(import.meta.url)}`, import.meta.url);

/** @param args of the command. @returns why it cannot be used, instead of throwing. */
export async function readConfigurationAgain(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Start | Failure> {
  const child = fork(MODULE, args, {
    env,
    stdio: ["ignore", "inherit", "pipe", "ipc"],
    serialization: "advanced",
  });
  child.stderr?.pipe(process.stderr, { end: false });
  const output = new OutputTail(child.stderr);
  const { promise, resolve } = Promise.withResolvers<Start | string>();
  child.once("message", (start: Start) => {
    resolve(start);
  });
  child.once("exit", (code, signal) => {
    resolve(signal ?? `exit code ${code ?? 0}`);
  });
  const outcome = await promise;
  return typeof outcome === "string" ? readFailure(outcome, await output.read()) : outcome;
}
