/** The processes that the bench has started; all end with it. */
import type { ChildProcess } from "node:child_process";

const running = new Set<ChildProcess>();

export function track(child: ChildProcess): void {
  running.add(child);
  child.once("exit", () => running.delete(child));
}

process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
