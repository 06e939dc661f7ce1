/** Runs the program of the root README by its command, and compares the responses with those in the README. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");
const program = block("ts");

let running: ChildProcess | undefined;
afterEach(() => {
  running?.kill("SIGKILL");
});

test("the one program of the README is examples/hello.ts, in ten lines or fewer", () => {
  expect(readme.match(/^```ts$/gm)).toHaveLength(1);
  expect(program).toBe(readFileSync(new URL("hello.ts", import.meta.url), "utf8"));
  expect(program.trim().split("\n").length).toBeLessThanOrEqual(10);
});

test("the command of the README starts a server with the responses of the README", async () => {
  const words = /^npx -y pnpm@12 exec (tsgi 7788 .*)$/m.exec(readme)?.[1]?.split(" ") ?? [];
  const [command = "", ...args] = words.map((word) => (word === "7788" ? "0" : word));
  const url = await start(command, args);

  const transcript = block("text");
  let received = "";
  for (const [line, path = ""] of transcript.matchAll(/^GET (.*)$/gm)) {
    const response = await fetch(new URL(path, url));
    received += `${line}\n${await response.text()}\n`;
  }
  expect(received).toBe(transcript);

  const ended = once(running as ChildProcess, "exit");
  running?.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});

/** Runs a command as `pnpm exec` would, and waits for the line with its address. */
async function start(command: string, args: readonly string[]): Promise<string> {
  const bin = fileURLToPath(new URL("node_modules/.bin", root));
  const PATH = [bin, dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, PATH },
    stdio: ["ignore", "pipe", "inherit"],
  });
  running = child;
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\S+/.exec(line)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error("The command ended before it printed an address");
}

/** The first block of the README in a language. */
function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "m").exec(readme)?.[1] ?? "";
}
