/** A private Redis server on a port of 127.0.0.1, which keeps nothing on disk. `pnpm test` finds or installs the program. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, test } from "vitest";
import { freePorts } from "./free-port.ts";

const PROGRAM = process.env["TSGI_TEST_REDIS"];
const REASON = "needs redis-server: set TSGI_TEST_REDIS, or run `pnpm test`, which finds or installs it";

/** Describes a suite that needs the program. Without it the suite is skipped with the reason; with CI=true that is a failure. */
export function describeWithRedis(name: string, suite: (program: string) => void): void {
  describe(name, () => {
    if (PROGRAM !== undefined) return suite(PROGRAM);
    test(REASON, ({ skip }) => {
      if (process.env["CI"] === "true") throw new Error(REASON);
      skip(REASON);
    });
  });
}

/** A server that can be killed and started again on the same port. */
export class RedisServer implements AsyncDisposable {
  readonly url: string;
  readonly #program: string;
  readonly #port: number;
  #process: ChildProcess | null = null;

  private constructor(program: string, port: number) {
    this.#program = program;
    this.#port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start(program: string): Promise<RedisServer> {
    const [port = 0] = await freePorts(1);
    const server = new RedisServer(program, port);
    await server.start();
    return server;
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const args = ["--port", String(this.#port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    // Debian's package of tools has the program under another name, and the program goes by the name that it is called by.
    const child = spawn(this.#program, args, { argv0: "redis-server", stdio: "ignore" });
    this.#process = child;
    while (!(await accepts(this.#port))) {
      if (child.exitCode !== null) throw new Error(`${this.#program} ended with exit code ${child.exitCode}`);
      await delay(20);
    }
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#process = null;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
