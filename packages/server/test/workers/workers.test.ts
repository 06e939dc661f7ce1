import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ADDRESS, CLI, CommandProcess } from "../command-process.ts";
import { get, WireClient } from "../wire-client.ts";
import { startLoad } from "./strict-client.ts";

const FOLDER = import.meta.dirname;
const LOAD = { keepAlive: 4, pipelined: 1, fresh: 2, slow: 2, uploads: 1, idle: 4 };
const RELOADS = 10;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-workers-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Two workers on a port of the system's choice, beside further options. */
class Workers extends CommandProcess {
  constructor(args: readonly string[] = [], application = "application.ts") {
    super(["0", application, "--workers", "2", ...args], { cwd: FOLDER });
  }

  async port(): Promise<number> {
    const [, url = ""] = await this.until(ADDRESS);
    return Number(new URL(url).port);
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** Sends a signal, and waits for the line that it leads to. */
  async after(name: NodeJS.Signals, pattern: RegExp): Promise<void> {
    const from = this.stdout.length;
    this.signal(name);
    await this.until(pattern, from);
  }

  /** The workers that serve, as the log has them. */
  get pids(): readonly number[] {
    const served = [...this.stdout.matchAll(/worker (\d+) serves/g)].map(([, pid]) => Number(pid));
    const ended = new Set(
      [...(this.stdout + this.stderr).matchAll(/worker (\d+) (?:ended|died)/g)].map(([, pid]) => Number(pid)),
    );
    return served.filter((pid) => !ended.has(pid));
  }
}

async function pidOf(port: number, target = "/"): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${target}`, { headers: { connection: "close" } });
  await response.text();
  return Number(response.headers.get("x-pid"));
}

describe("workers", () => {
  test(`${RELOADS} reloads under a strict load lose no request`, { timeout: 300_000 }, async () => {
    await using command = new Workers();
    const load = startLoad(await command.port(), LOAD);
    for (let i = 1; i <= RELOADS; i++) {
      await command.after("SIGHUP", new RegExp(`generation ${i} serves$`, "m"));
      await load.further(100);
    }
    expect(await load.stop()).toEqual([]);
    command.signal("SIGTERM");
    expect(await command.exited).toBe(0);
  });

  test("a worker that is killed loses nothing that another one serves, and is replaced", async () => {
    await using command = new Workers();
    const port = await command.port();
    const [first = 0, second = 0] = command.pids;
    const from = command.stdout.length;
    // Held by the other worker, or by the killed one: only then its connection may break.
    const slow = Array.from({ length: 8 }, () => pidOf(port, "/slow").catch(() => first));
    process.kill(first, "SIGKILL");
    await command.until(/serves \(replaces a dead worker\)/, from);
    for (const pid of await Promise.all(slow)) expect([first, second, ...command.pids]).toContain(pid);
    expect(await pidOf(port)).not.toBe(first);
    await command.until(/worker \d+ died \(SIGKILL\)/, 0, "stderr");
  });

  test("a message on the broadcast channel reaches the other workers once, and not the one that posted it", async () => {
    await using command = new Workers();
    const port = await command.port();
    const sender = await pidOf(port, "/post?1");
    const last = new Map<number, string>();
    // Until the other worker has responded with the message.
    while (![...last].some(([pid, body]) => pid !== sender && body !== "[]")) {
      const response = await fetch(`http://127.0.0.1:${port}/received`, { headers: { connection: "close" } });
      last.set(Number(response.headers.get("x-pid")), await response.text());
    }
    const other = [...last.keys()].find((pid) => pid !== sender) ?? 0;
    expect(last.get(other)).toBe('["/post?1"]');
    // The message would have come back by now, if at all: the other worker's own message comes after it.
    while ((await pidOf(port, "/post?2")) !== other);
    for (let seen: string[] = []; !seen.includes("/post?2");) {
      const response = await fetch(`http://127.0.0.1:${port}/received`, { headers: { connection: "close" } });
      if (Number(response.headers.get("x-pid")) === sender) seen = JSON.parse(await response.text()) as string[];
      else await response.text();
      expect(seen).not.toContain("/post?1");
    }
  });

  test("a stop responds on every connection that waits in the backlog", async () => {
    await using command = new Workers();
    const port = await command.port();
    const workers = command.pids;
    for (const pid of workers) process.kill(pid, "SIGSTOP");
    const clients = Array.from({ length: 50 }, () => new WireClient({ transport: "tcp", hostname: "127.0.0.1", port }));
    await Promise.all(clients.map(({ socket }) => once(socket, "connect")));
    await command.after("SIGTERM", /shutting down/);
    const received = clients.map((client) => client.send(get("/", "Connection: close")).end());
    for (const pid of workers) process.kill(pid, "SIGCONT");
    const statuses = (await Promise.all(received)).map((text) => text.slice(0, 15));
    expect(new Set(statuses)).toEqual(new Set(["HTTP/1.1 200 OK"]));
    expect(await command.exited).toBe(0);
  });

  test("connections wait while no worker is ready", async () => {
    await using command = new Workers();
    const port = await command.port();
    for (const pid of command.pids) process.kill(pid, "SIGKILL");
    expect(await pidOf(port)).toBeGreaterThan(0);
  });

  test("a stuck worker is replaced, its stack is logged, and the other one serves meanwhile", async () => {
    // So long that a machine under load does not make the other one late.
    await using command = new Workers(["--stuck-timeout-ms", "5000"]);
    const port = await command.port();
    const client = connect(port, "127.0.0.1");
    client.on("error", () => undefined);
    client.write("GET /block HTTP/1.1\r\nHost: test.localhost\r\n\r\n");
    const closed = once(client, "close");
    // Before that it may accept a connection in the same turn of its event loop.
    await command.until(/has not turned its event loop for 5000 ms/, 0, "stderr");
    for (let i = 0; i < 5; i++) expect(await pidOf(port)).toBeGreaterThan(0);
    await closed;
    await command.until(/serves \(replaces a dead worker\)/);
    await command.until(/worker \d+ is stuck at\n\s+block .*application\.ts:\d+/, 0, "stderr");
    expect(await pidOf(port)).toBeGreaterThan(0);
  });

  test("an uncaught exception ends its worker in order, and another one starts", async () => {
    await using command = new Workers();
    const port = await command.port();
    const pid = await pidOf(port, "/throw");
    await command.until(/serves \(replaces a dead worker\)/);
    await command.until(new RegExp(`worker ${pid} died \\(exit code 1\\)`), 0, "stderr");
    await command.until(/tsgi: an uncaught exception ends this worker: Error: no code catches this/, 0, "stderr");
    expect(command.pids).not.toContain(pid);
    expect(await pidOf(port)).toBeGreaterThan(0);
  });

  test("one that cannot start ends the whole, with its reason and exit code", async () => {
    await using command = new Workers([], "failing-application.ts");
    expect(await command.exited).toBe(1);
    expect(command.stderr).toMatch(/no database/);
    expect(command.stderr).toMatch(/worker \d+ did not start \(exit code 1\); stopping/);
  });

  test("HUP reads the configuration again, and names options that need a restart", async () => {
    const file = join(folder, "tsgi.config.json");
    const configure = (values: object) => writeFile(file, JSON.stringify(values));
    await configure({ accessLog: "off" });
    await using command = new Workers(["--config", file]);
    const port = await command.port();
    await configure({ accessLog: "json", pidFile: "unused" });
    await command.after("SIGHUP", /generation 1 serves$/m);
    await command.until(/tsgi: reload: pidFile changed, which needs a restart; the old value stays$/m, 0, "stderr");
    // A worker of the old generation, which has no log, may still accept a connection.
    await vi.waitFor(async () => {
      await pidOf(port, "/logged");
      expect(command.stdout).toContain('"target":"/logged"');
    }, 30_000);
    await configure({ maxFields: 0 });
    command.signal("SIGHUP");
    await command.until(/reload: the configuration cannot be used; the workers stay as they are/, 0, "stderr");
    expect(command.stderr).toContain("maxFields in tsgi.config.json: must be a whole number from 1, not 0");
    expect(await pidOf(port)).toBeGreaterThan(0);
  });

  test("USR1 opens the access log again, after it was renamed", async () => {
    const file = join(folder, "access.log");
    await using command = new Workers(["--access-log", "combined", "--access-log-file", file]);
    const port = await command.port();
    await pidOf(port, "/before");
    await vi.waitFor(async () => expect(await readFile(file, "utf8")).toContain("GET /before"), 30_000);
    await rename(file, `${file}.1`);
    await command.after("SIGUSR1", /the log files are opened again/);
    await vi.waitFor(async () => {
      await pidOf(port, "/after");
      expect(await readFile(file, "utf8")).toContain("GET /after");
    }, 30_000);
    expect(command.stdout).not.toContain("GET /before");
  });

  test("goes on serving for --drain-delay-ms after TERM, while /ready is 503", async () => {
    await using command = new Workers(["--drain-delay-ms", "60000", "--ops-port", "0"]);
    const port = await command.port();
    const [, operations = ""] = await command.until(/operations on (\S+)/);
    expect((await fetch(`${operations}ready`)).status).toBe(200);
    await command.after("SIGTERM", /shutting down/);
    expect((await fetch(`${operations}ready`)).status).toBe(503);
    expect(await pidOf(port)).toBeGreaterThan(0);
    command.signal("SIGTERM");
    await command.exited;
  });

  test("TTIN and TTOU change the number of workers", async () => {
    await using command = new Workers();
    await command.port();
    await command.after("SIGTTIN", /serves \(one more\)/);
    expect(command.pids).toHaveLength(3);
    await command.after("SIGTTOU", /worker \d+ ended \(exit code 0\)/);
    expect(command.pids).toHaveLength(2);
  });

  test("recycles a worker after its requests, without a lost request", async () => {
    await using command = new Workers(["--max-requests-per-worker", "200"]);
    const load = startLoad(await command.port(), LOAD);
    await command.until(/worker \d+ is replaced: \d+ requests/);
    await command.until(/worker \d+ ended \(exit code 0\)/);
    expect(await load.stop()).toEqual([]);
  });

  test("TERM finishes what runs", async () => {
    await using command = new Workers();
    const port = await command.port();
    const running = pidOf(port, "/until-drained");
    await command.until(/in the handler/);
    command.signal("SIGTERM");
    expect(await running).toBeGreaterThan(0);
    expect(await command.exited).toBe(0);
  });

  test("a supervisor that is killed takes its workers along", async () => {
    await using command = new Workers();
    await command.port();
    const { pids } = command;
    command.signal("SIGKILL");
    await command.exited;
    await expect.poll(() => pids.filter(isRunning)).toEqual([]);
  });

  test("--status shows the workers, and the PID file goes with the supervisor", async () => {
    const file = join(folder, "tsgi.pid");
    await using command = new Workers(["--pid-file", file]);
    await command.port();
    expect(await readFile(file, "utf8")).toBe(`${command.process.pid}\n`);
    await using status = new CommandProcess(["--status", "--pid-file", file], { cwd: FOLDER });
    expect(await status.exited).toBe(0);
    expect(status.stdout).toMatch(
      /^PID +GENERATION +STATE +UPTIME +REQUESTS +MEMORY\n(?:\d+ +0 +serving +0:0\d:\d\d +\d+ +[\d.]+ MB\n){2}$/,
    );
    await using second = new Workers(["--pid-file", file]);
    expect(await second.exited).toBe(1);
    expect(second.stderr).toMatch(/The PID file .* names the running process \d+: stop it first, or use another file/);
    command.signal("SIGTERM");
    await command.exited;
    await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
    await using late = new CommandProcess(["--status", "--pid-file", file], { cwd: FOLDER });
    expect(await late.exited).toBe(2);
    expect(late.stderr).toContain("no supervisor with this file is running");
  });

  test.each([
    ["is empty", ""],
    ["has the id of the supervisor itself, as in a container that was restarted", "$$"],
  ])("a PID file that %s is replaced", async (_what, content) => {
    const file = join(folder, "stale.pid");
    const start = `printf "${content}" > "$0"; exec "$@"`;
    const args = [file, process.execPath, CLI, "0", "application.ts", "--workers", "1", "--pid-file", file];
    const supervisor = spawn("sh", ["-c", start, ...args], { cwd: FOLDER, stdio: ["ignore", "pipe", "inherit"] });
    try {
      expect(String(await once(supervisor.stdout, "data"))).toMatch(/worker \d+ serves/);
      expect(await readFile(file, "utf8")).toBe(`${supervisor.pid}\n`);
    } finally {
      supervisor.kill("SIGTERM");
    }
    expect(await once(supervisor, "exit")).toEqual([0, null]);
  });

  test("serves on a Unix domain socket", async () => {
    const path = join(folder, "app.sock");
    await using command = new CommandProcess(["application.ts", "--path", path, "--workers", "1"], { cwd: FOLDER });
    await command.until(/worker \d+ serves/);
    const client = connect(path);
    client.end("GET / HTTP/1.1\r\nHost: test.localhost\r\nConnection: close\r\n\r\n");
    const pieces = await client.toArray();
    expect(Buffer.concat(pieces as Buffer[]).toString()).toMatch(/^HTTP\/1\.1 200 OK/);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
