/** Starts a private MySQL or MariaDB server in a temporary folder, on a free port of 127.0.0.1. It touches no other server. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { freePorts } from "../../packages/framework/test/free-port.ts";
import { selfSigned } from "../../packages/server/src/tls/self-signed.ts";
import { findProgram, lastLines, run } from "./machine.ts";

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

export interface PrivateMysql {
  /** With a user who has all privileges. */
  readonly url: string;
  /** Kills the server with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and with the same data. */
  restart(): Promise<void>;
  /** Stops the server by its process id and removes the folder. */
  stop(): Promise<void>;
}

/** Starts the server program. Throws with the end of the server's log if it does not start. */
export async function startPrivateMysql(program: string): Promise<PrivateMysql> {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-mysql-"));
  let server: ChildProcess | undefined;
  const stop = async () => {
    if (server !== undefined) await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const data = join(folder, "data");
    await makeDataFolder(program, data);
    const password = randomBytes(16).toString("hex");
    const initFile = join(folder, "init.sql");
    await writeFile(
      initFile,
      `CREATE USER IF NOT EXISTS 'tsgi'@'%' IDENTIFIED BY '${password}';\nGRANT ALL ON *.* TO 'tsgi'@'%' WITH GRANT OPTION;\n`,
      { mode: 0o600 },
    );
    const { cert, key } = selfSigned();
    const certificate = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
    await writeFile(certificate.cert, cert);
    await writeFile(certificate.key, key, { mode: 0o600 });
    const [port = 0] = await freePorts(1);
    const log = join(folder, "server.log");
    const logFile = openSync(log, "a");
    const args = [
      "--no-defaults",
      ...asRoot(),
      `--datadir=${data}`,
      `--socket=${join(folder, "mysql.sock")}`,
      `--pid-file=${join(folder, "mysql.pid")}`,
      `--init-file=${initFile}`,
      "--bind-address=127.0.0.1",
      `--port=${port}`,
      "--skip-name-resolve",
      `--ssl-cert=${certificate.cert}`,
      `--ssl-key=${certificate.key}`,
      // A commit survives the end of the process, not that of the machine.
      "--innodb-flush-log-at-trx-commit=2",
      ...(isMariadb(program) ? [] : ["--mysqlx=OFF"]),
    ];
    const start = async () => {
      // In its own process group, so that Ctrl-C reaches this process only, which stops the server.
      server = spawn(program, args, { stdio: ["ignore", logFile, logFile], detached: true });
      const failed = Promise.race([
        once(server, "exit").then(() => "ended"),
        once(server, "error").then(([error]) => String(error)),
        delay(START_TIMEOUT_MS, `did not accept a connection within ${START_TIMEOUT_MS / 1000} s`, { ref: false }),
      ]);
      const failure = await Promise.race([failed, accepts(port)]);
      if (failure !== null) throw new Error(`${program} ${failure}:\n${lastLines(await readFile(log, "utf8"))}`);
    };
    const kill = async () => {
      if (server !== undefined) await end(server, "SIGKILL");
    };
    await start();
    return { url: `mysql://tsgi:${password}@127.0.0.1:${port}/`, kill, restart: start, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function makeDataFolder(program: string, data: string): Promise<void> {
  // Debian installs it in another folder than the server.
  const PATH = [process.env["PATH"], dirname(program)].join(delimiter);
  const installer = findProgram(["mariadb-install-db", "mysql_install_db"], { PATH });
  const [command, ...args] =
    isMariadb(program) && installer !== null
      ? // Never --user: with it, the installer gives a folder of the system's server to that user.
        [installer, "--no-defaults", `--datadir=${data}`, "--skip-test-db"]
      : [program, "--no-defaults", ...asRoot(), `--datadir=${data}`, "--initialize-insecure"];
  const { status, output } = await run(command, args, { env: process.env });
  if (status !== 0) throw new Error(`${program} could not make its data folder:\n${lastLines(output)}`);
}

/** The server refuses to run as root without this option. */
function asRoot(): readonly string[] {
  return process.getuid?.() === 0 ? ["--user=root"] : [];
}

/** MariaDB installs a `mysqld` too. */
function isMariadb(program: string): boolean {
  return basename(program) === "mariadbd" || findProgram(["mariadbd"], { PATH: dirname(program) }) !== null;
}

/** Resolves to null when the server sends its handshake; it has then run the init file. */
async function accepts(port: number): Promise<null> {
  for (;;) {
    const greeted = Promise.withResolvers<boolean>();
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => greeted.resolve(true));
    socket.once("error", () => greeted.resolve(false));
    socket.once("close", () => greeted.resolve(false));
    const ready = await greeted.promise;
    socket.destroy();
    if (ready) return null;
    await delay(100, undefined, { ref: false });
  }
}

async function end(server: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  const exited = once(server, "exit");
  server.kill(signal);
  const timer = setTimeout(() => server.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
