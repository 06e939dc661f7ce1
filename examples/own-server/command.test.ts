/** Runs the commands of docs/write-a-server.md. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const page = readFileSync(here("../../docs/write-a-server.md"), "utf8");
const cli = here("../../packages/gateway-spec/src/conformance/cli.ts");

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function start(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, args, {
    cwd: here("../.."),
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

/** The command of the page that begins so, as arguments of the kit's own. */
function commandOf(beginning: string): readonly string[] {
  const line = page.split("\n").find((one) => one.startsWith(`npx -y pnpm@12 exec tsgi-conformance ${beginning}`));
  if (line === undefined) throw new Error(`the page has no command that begins with ${beginning}`);
  return line.split(" ").slice(5);
}

async function kit(args: readonly string[]) {
  const child = start([cli, ...args]);
  const exit = once(child, "exit") as Promise<[number | null]>;
  const [out, [code]] = await Promise.all([text(child.stdout), exit]);
  return { code, lastLine: out.trim().split("\n").at(-1) };
}

test("a module, by its export serve", async () => {
  const result = await kit([...commandOf("--serve"), "--filter", "request-h"]);
  expect(result).toEqual({ code: 0, lastLine: "2 passed, 0 failed, 0 skipped" });
});

test("a server that runs already, by host and port", async () => {
  expect(page).toContain(readFileSync(here("target.ts"), "utf8"));
  const target = start([here("target.ts")], { PORT: "0" });
  const [line] = (await once(createInterface(target.stdout), "line")) as [string];
  const address = new URL(line.replace("Listening on ", "")).host;
  const args = commandOf("127.0.0.1").map((word) => (word === "127.0.0.1:7788" ? address : word));
  expect(await kit([...args, "--filter", "close"])).toEqual({ code: 0, lastLine: "2 passed, 0 failed, 4 skipped" });
});
