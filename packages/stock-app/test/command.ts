/** Runs the stock app as a user does: by the `tsgi` command, in a separate process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("../", import.meta.url));
const TSGI = fileURLToPath(new URL("../../server/src/cli.ts", import.meta.url));

export interface Running extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40123/`. */
  readonly url: string;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts it on a free port. Rejects with its output if it does not start. */
export async function startApp(databaseUrl: string, ...args: readonly string[]): Promise<Running> {
  const { child, ended } = run(databaseUrl, args);
  const listening = Promise.withResolvers<string>();
  let printed = "";
  child.stdout?.on("data", (text: string) => {
    printed += text;
    const url = /tsgi: (http:\S+) /.exec(printed)?.[1];
    if (url !== undefined) listening.resolve(url);
  });
  const failed = ended.then(({ stdout, stderr }) => {
    throw new Error(`The application did not start:\n${stdout}${stderr}`);
  });
  failed.catch(() => undefined);
  const url = await Promise.race([listening.promise, failed]);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Runs it until it exits. */
export async function runApp(databaseUrl: string, ...args: readonly string[]): Promise<Ended> {
  return run(databaseUrl, args).ended;
}

function run(databaseUrl: string, args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [TSGI, "0", "./src/main.ts:application", ...args], {
    cwd: PACKAGE,
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = once(child, "close").then(() => ({ code: child.exitCode, stdout, stderr }));
  return { child, ended };
}
