/** Finds, runs and installs programs of the machine. */
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

type Environment = Readonly<Record<string, string | undefined>>;

/** Debian installs servers here; the PATH of an ordinary user does not contain it. */
const SERVER_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

/** The full path of the first of these programs that the machine has, or null. */
export function findProgram(names: readonly string[], env: Environment): string | null {
  const folders = [...(env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""), ...SERVER_FOLDERS];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, process.platform === "win32" ? `${name}.exe` : name);
      if (isExecutable(path)) return path;
    }
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export interface CommandResult {
  /** The exit status; 128 if a signal ended the program, 127 if it could not start. */
  readonly status: number;
  /** Standard output and standard error, in the order of arrival. */
  readonly output: string;
}

/** Runs a program to its end and returns its output. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly env?: Environment; readonly cwd?: string } = {},
): Promise<CommandResult> {
  const ended = Promise.withResolvers<CommandResult>();
  const child = spawn(program, args, { ...options, env: { ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => void (output += text));
  }
  child.on("error", (error) => ended.resolve({ status: 127, output: `${program}: ${error.message}` }));
  child.on("close", (code) => ended.resolve({ status: code ?? 128, output }));
  return ended.promise;
}

/** The command line of an apt-get that may install, or null if there is none or it would ask for a password. */
export async function installPrefix(env: Environment): Promise<readonly string[] | null> {
  const aptGet = findProgram(["apt-get"], env);
  if (aptGet === null) return null;
  if (process.getuid?.() === 0) return [aptGet];
  const sudo = findProgram(["sudo"], env);
  if (sudo === null || (await run(sudo, ["-n", "true"], { env })).status !== 0) return null;
  return [sudo, "-n", "DEBIAN_FRONTEND=noninteractive", aptGet];
}

/** Installs Debian packages without their recommendations. Throws with the end of apt-get's output. */
export async function installPackages(
  names: readonly string[],
  prefix: readonly string[],
  env: Environment,
): Promise<void> {
  const what = names.join(" and ");
  const aptGet = async (args: readonly string[]) => {
    const [program = "", ...rest] = [...prefix, ...args];
    const { status, output } = await run(program, rest, { env: { ...env, DEBIAN_FRONTEND: "noninteractive" } });
    if (status !== 0) throw new Error(`apt-get could not install ${what}:\n${lastLines(output)}`);
  };
  await withProgress(`installing Debian's ${what}`, async () => {
    await aptGet(["update", "--quiet"]);
    await aptGet(["install", "--yes", "--quiet", "--no-install-recommends", ...names]);
  });
}

/** Prints what is in progress, again every five seconds, and the duration at the end. */
export async function withProgress<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const seconds = () => `${Math.round((performance.now() - start) / 1000)} s`;
  const ended = new AbortController();
  console.log(`${what} ...`);
  void (async () => {
    for (;;) {
      await delay(5000, undefined, { signal: ended.signal });
      console.log(`${what} ... ${seconds()}`);
    }
  })().catch(() => {});
  try {
    const result = await work();
    console.log(`${what}: done in ${seconds()}`);
    return result;
  } finally {
    ended.abort();
  }
}

/** The end of a long output, for a message. */
export function lastLines(output: string, count = 20): string {
  return output.trimEnd().split("\n").slice(-count).join("\n");
}
