import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { ADDRESS, CommandProcess } from "../command-process.ts";
import { startLoad } from "./strict-client.ts";

const FOLDER = import.meta.dirname;

class Threads extends CommandProcess {
  constructor(args: readonly string[] = [], application = "application.ts") {
    super(["0", application, "--threads", "2", ...args], { cwd: FOLDER });
  }

  async port(): Promise<number> {
    const [, url = ""] = await this.until(ADDRESS);
    return Number(new URL(url).port);
  }
}

interface Served {
  readonly pid: string | null;
  readonly thread: string | null;
  readonly body: string;
}

async function request(port: number, target = "/"): Promise<Served> {
  const response = await fetch(`http://127.0.0.1:${port}${target}`, { headers: { connection: "close" } });
  return {
    pid: response.headers.get("x-pid"),
    thread: response.headers.get("x-thread"),
    body: await response.text(),
  };
}

/** Both threads of the process, found by requests. */
async function findThreads(port: number): Promise<ReadonlyMap<string | null, Served>> {
  const found = new Map<string | null, Served>();
  while (found.size < 2) {
    const served = await request(port);
    found.set(served.thread, served);
  }
  return found;
}

describe("threads", () => {
  test("two threads of one process serve, and TERM ends both in order", async () => {
    await using command = new Threads();
    const found = await findThreads(await command.port());
    expect(new Set([...found.values()].map(({ pid }) => pid)).size).toBe(1);
    expect(command.stdout).toMatch(/\(socket server, 1 worker of 2 threads, pid \d+\)/);
    command.process.kill("SIGTERM");
    expect(await command.exited).toBe(0);
    expect(command.stderr).toBe("");
  });

  test("three reloads of processes with threads lose no request", { timeout: 300_000 }, async () => {
    await using command = new Threads(["--workers", "2"]);
    const load = startLoad(await command.port(), {
      keepAlive: 4,
      pipelined: 1,
      fresh: 2,
      slow: 2,
      uploads: 1,
      idle: 4,
    });
    for (let i = 1; i <= 3; i++) {
      const from = command.stdout.length;
      command.process.kill("SIGHUP");
      await command.until(new RegExp(`generation ${i} serves$`, "m"), from);
      await load.further(100);
    }
    expect(await load.stop()).toEqual([]);
  });

  test("a stuck thread is named with its stack, and its process is replaced", async () => {
    await using command = new Threads(["--stuck-timeout-ms", "5000"]);
    const port = await command.port();
    const client = connect(port, "127.0.0.1");
    client.on("error", () => undefined);
    client.write("GET /block HTTP/1.1\r\nHost: test.localhost\r\n\r\n");
    await command.until(/serves \(replaces a dead worker\)/);
    await command.until(/worker \d+ is stuck at\n\s+block .*application\.ts:\d+/, 0, "stderr");
    await request(port);
  });

  test("an uncaught exception of one thread ends its process in order, and another one starts", async () => {
    await using command = new Threads();
    const port = await command.port();
    const { pid } = await request(port, "/throw");
    await command.until(/serves \(replaces a dead worker\)/);
    await command.until(/worker \d+ died \(exit code 1\)/, 0, "stderr");
    await command.until(/an uncaught exception ends this worker/, 0, "stderr");
    expect(command.stderr.match(/an uncaught exception ends this worker: Error: no code catches this/g)).toHaveLength(
      1,
    );
    expect((await request(port)).pid).not.toBe(pid);
  });

  test("a message on the broadcast channel reaches the other threads once", async () => {
    await using command = new Threads();
    const port = await command.port();
    const { thread: sender } = await request(port, "/post?1");
    for (;;) {
      const { thread, body } = await request(port, "/received");
      if (thread === sender || body === "[]") continue;
      expect(body).toBe('["/post?1"]');
      break;
    }
  });

  test("threads that cannot start end the whole, with the reason and the exit code", async () => {
    await using command = new Threads([], "failing-application.ts");
    expect(await command.exited).toBe(1);
    expect(command.stderr).toMatch(/no database/);
    expect(command.stderr).toMatch(/worker \d+ did not start \(exit code 1\); stopping/);
  });

  test("--watch beside --threads is a usage error", async () => {
    await using command = new Threads(["--watch"]);
    expect(await command.exited).toBe(2);
    expect(command.stderr).toContain("--watch: a watched application runs in one thread: leave out --threads");
  });
});
