/**
 * Every lesson does what its comment says: each `$` line is run by the shell in the lessons' folder, and its output is compared.
 * A line that ends with `&` starts a server, which is awaited until it prints its URL and is stopped at the end; of its log the
 * comment may show some lines. Port 7788 stands
 * for a free port, 7789 for another one, and `/tmp/` for a folder of the test. `…` is any text of one line.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePorts } from "../../packages/framework/test/free-port.ts";
import { createDatabase } from "../../packages/framework/test/mysql-server.ts";
import { matches } from "../../scripts/lib/guide.ts";

const FOLDER = import.meta.dirname;
const START_TIMEOUT_MS = 60_000;
const COUNT = 50;
/** Lessons that run on MySQL too. */
const DATABASE_LESSONS: ReadonlySet<string> = new Set(["21", "22", "28"]);

const lessons = readdirSync(FOLDER).filter((name) => /^\d\d-.*\.ts$/.test(name));

interface Step {
  readonly command: string;
  readonly output: string;
}

/** The commands of the first comment with what they print. */
function readSteps(lesson: string): readonly Step[] {
  const comment = /^\/\*\*\n([^]*?)\n \*\/\n/.exec(readFileSync(join(FOLDER, lesson), "utf8"))?.[1] ?? "";
  const steps: { command: string; output: string }[] = [];
  let isTranscript = false;
  for (const line of comment.split("\n").map((text) => text.replace(/^ \* ?/, ""))) {
    const text = line.replace(/^ {4}/, "");
    isTranscript = line === "" ? isTranscript : text !== line;
    if (!isTranscript) continue;
    const last = steps.at(-1);
    if (text.startsWith("$ ")) steps.push({ command: text.slice(2), output: "" });
    else if (last?.command.endsWith("\\") === true) last.command = last.command.slice(0, -1) + text.trim();
    else if (last !== undefined) last.output += `${text}\n`;
  }
  return steps;
}

/** Whether the machine can run a command of a lesson. */
function canRun({ command }: Step): boolean {
  if (command.startsWith("python3 ")) return isPresent("python3", "-c", "import requests");
  if (command.startsWith("nginx ")) return isPresent("nginx", "-v");
  return true;
}

function isPresent(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args).status === 0;
}

/** A lesson without its servers teaches nothing here, while a further client may be absent. */
const runnable = lessons.filter((lesson) => {
  if (lesson.startsWith("06-")) return process.platform === "linux";
  // The second client of lesson 47 has the address 127.0.0.2, which other systems do not have by default.
  return !lesson.startsWith("47-") || (process.platform === "linux" && readSteps(lesson).every(canRun));
});

let folder: string;
/** For 7788 and 7789. */
let ports: Readonly<Record<string, number>>;
const servers: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-lesson-"));
  writeFileSync(join(folder, ".curlrc"), "silent\n");
  const [first = 0, second = 0] = await freePorts(2);
  ports = { 7788: first, 7789: second };
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if (server.exitCode !== null || server.signalCode !== null) continue;
    const gone = once(server, "exit");
    server.kill("SIGTERM");
    await gone;
  }
  stopDaemon(join(folder, "nginx.pid"));
  await rm(folder, { recursive: true, force: true });
});

/** nginx is a daemon. Its own pid file names it, where a lesson failed before it stopped it. */
function stopDaemon(pidFile: string): void {
  try {
    const pid = Number(readFileSync(pidFile, "utf8"));
    if (pid > 0) process.kill(pid, "SIGTERM");
  } catch (error) {
    // There is no such file, or no such process any more.
    if (!["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** The text with the ports and the folder of this test. A configuration file that it names becomes a copy with them. */
function localize(text: string): string {
  const moved = text.replaceAll(/(?<!\S)\/tmp\//g, `${folder}/`);
  const copied = moved.replaceAll(/"\$PWD\/([\w-]+\.conf)"/g, (_, file: string) => {
    const copy = join(folder, file);
    writeFileSync(copy, replacePorts(readFileSync(join(FOLDER, file), "utf8")).replaceAll("/tmp/", `${folder}/`));
    return copy;
  });
  return replacePorts(copied);
}

function replacePorts(text: string): string {
  // In one pass: the first port may contain the digits 7789.
  return text.replaceAll(/778[89]/g, (port) => String(ports[port]));
}

function start(command: string, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn("sh", ["-c", command], {
    cwd: FOLDER,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      NODE_ENV: undefined,
      NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --disable-warning=ExperimentalWarning`,
      PATH: [dirname(process.execPath), join(FOLDER, "../node_modules/.bin"), process.env["PATH"]].join(delimiter),
      CURL_HOME: folder,
      TSGI_DRAIN_IDLE_MS: "0",
      ...env,
    },
  });
}

/** Collects what a process prints, on both streams. */
function collect(child: ChildProcess, onText: (output: string) => void): () => string {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text.replaceAll("\r", "");
      onText(output);
    });
  }
  return () => output;
}

/** Runs a command to its end. */
async function run(command: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = start(command, env);
  const output = collect(child, () => undefined);
  await once(child, "close");
  return output();
}

/** Starts a server, and gives a function that reads what it has printed so far. */
async function startServer(command: string, env: NodeJS.ProcessEnv): Promise<() => string> {
  const server = start(`exec ${command}`, env);
  servers.push(server);
  const listening = Promise.withResolvers<undefined>();
  const output = collect(server, (text) => {
    if (/https?:\/\/\S+/.test(text)) listening.resolve(undefined);
  });
  server.once("exit", () => listening.reject(new Error(`"${command}" ended:\n${output()}`)));
  const timer = setTimeout(
    () => listening.reject(new Error(`"${command}" prints no URL:\n${output()}`)),
    START_TIMEOUT_MS,
  );
  await listening.promise.finally(() => clearTimeout(timer));
  return output;
}

/** The expected lines that a server has not logged in this order. It may log others between them. */
function missingLines(expected: string, log: string): readonly string[] {
  const lines = log.split("\n");
  return expected
    .trim()
    .split("\n")
    .filter((line) => {
      const at = lines.findIndex((logged) => matches(line, logged));
      if (at !== -1) lines.splice(0, at + 1);
      return at === -1 && line !== "";
    });
}

async function check(lesson: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const logs: { readonly expected: string; readonly log: () => string; readonly command: string }[] = [];
  for (const { command, output: printed } of readSteps(lesson).filter(canRun)) {
    const expected = replacePorts(printed);
    if (command.endsWith(" &")) {
      logs.push({ expected, command, log: await startServer(localize(command.slice(0, -2)), env) });
    } else {
      const output = await run(localize(command), env);
      // The comparison shows the difference.
      if (!matches(expected, output)) expect(output.trimEnd(), command).toBe(expected.trimEnd());
    }
  }
  for (const { expected, command, log } of logs) {
    await expect.poll(() => missingLines(expected, log()), { message: command, timeout: START_TIMEOUT_MS }).toEqual([]);
  }
}

test.each(runnable)("%s: every command prints what the comment shows", async (lesson) => {
  await check(lesson);
});

const mysqlUrl = process.env["TSGI_TEST_MYSQL_URL"];
const onMysql = mysqlUrl === undefined ? [] : lessons.filter((lesson) => DATABASE_LESSONS.has(lesson.slice(0, 2)));
for (const lesson of onMysql) {
  test(`${lesson}: every command prints the same on MySQL`, async () => {
    const database = await createDatabase(mysqlUrl ?? "");
    try {
      await check(lesson, { DATABASE_URL: database.url });
    } finally {
      await database.drop();
    }
  });
}

describe("the lessons", () => {
  test("are numbered without a gap", () => {
    const numbers = lessons.map((lesson) => lesson.slice(0, 2));
    expect(numbers).toEqual(Array.from({ length: COUNT }, (_, index) => String(index + 1).padStart(2, "0")));
  });

  test.each(lessons)(
    "%s has an idea, a transcript, at most 40 lines of program, an exercise and a question",
    (lesson) => {
      const text = readFileSync(join(FOLDER, lesson), "utf8");
      const [, program = ""] =
        /^\/\*\*\n \* \d\d [^]*?\n \*\/\n([^]*?)\n\/\*\*\n \* Exercise: [^]*?\n \* Question: [^]*?\n \*\/\n$/.exec(
          text,
        ) ?? [];
      const lines = program.trim().split("\n");
      expect(text.startsWith(`/**\n * ${lesson.slice(0, 2)} `)).toBe(true);
      expect([lines.length > 1, lines.length <= 40, readSteps(lesson).length > 1]).toEqual([true, true, true]);
    },
  );
});
