/**
 * The whole of docs/scaling.md on one machine: two copies of the demo behind nginx, three Galera nodes behind HAProxy, and Redis, with
 * the files of deploy/. Under a bounded load a database node is killed and comes back, a copy is reloaded and another one restarted,
 * and Redis is killed. Every write that was acknowledged is on every node at the end.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import mysql from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../../../framework/test/free-port.ts";
import { RedisServer } from "../../../framework/test/redis-server.ts";
import { CommandProcess } from "../../../server/test/command-process.ts";
import { ENV, NGINX } from "../../../server/test/proxies.ts";
import { GaleraCluster } from "./galera.ts";
import { EventClient, Load, type Phase } from "./load.ts";

const DEPLOY = new URL("../../../../deploy/", import.meta.url);
const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));

const NEEDS = ["TSGI_TEST_REDIS", "TSGI_TEST_GALERA", "TSGI_TEST_NGINX", "TSGI_TEST_HAPROXY"] as const;
const missing = NEEDS.filter((name) => process.env[name] === undefined);
const REASON = `needs redis-server, MariaDB with Galera, nginx and HAProxy: set ${missing.join(", ")}, or run \`pnpm test\``;

const WRITERS = 4;
/** Stocks that are followed by the sample rows. */
const CODES = ["000007", "300268"];
/** Writes that must be acknowledged after each disturbance. */
const WRITES = 60;
const MAX_STARTS = 3;
/** The test waits for events. These are the bounds of all of it and of one disturbance, on a machine that others use too. */
const TIMEOUT_MS = 300_000;
const STALLED_MS = 90_000;

describe("two copies behind nginx on a Galera cluster", () => {
  if (missing.length > 0) {
    test(REASON, ({ skip }) => {
      if (process.env["CI"] === "true") throw new Error(REASON);
      skip(REASON);
    });
    return;
  }

  let folder: string;
  let cluster: GaleraCluster;
  let redis: RedisServer;
  let haproxy: ChildProcess;
  let nginx: ChildProcess;
  let copies: CommandProcess[] = [];
  let ports: Readonly<Record<"front" | "first" | "second" | "database", number>>;
  let origin: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tsgi-cluster-"));
    const [front = 0, first = 0, second = 0, database = 0] = await freePorts(4);
    ports = { front, first, second, database };
    origin = `http://127.0.0.1:${front}`;
    [cluster, redis] = await Promise.all([
      GaleraCluster.start(folder),
      RedisServer.start(process.env["TSGI_TEST_REDIS"] ?? ""),
    ]);
    haproxy = await startHaproxy();
    // The first one makes the tables.
    copies = [await startCopy(first)];
    copies.push(await startCopy(second));
    nginx = await startNginx();
  }, TIMEOUT_MS);

  afterAll(async () => {
    for (const copy of copies) copy.process.kill("SIGTERM");
    await Promise.all(copies.map((copy) => copy.exited));
    await Promise.all([nginx, haproxy].map((child) => stop(child)));
    await redis?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function startCopy(port: number): Promise<CommandProcess> {
    const args = [String(port), "./src/main.ts:application", "--workers", "1", "--trusted-proxies", "127.0.0.1"];
    args.push("--start-timeout-ms", "20000");
    const env = {
      DATABASE_URL: `mysql://tsgi:tsgi-cluster@127.0.0.1:${ports.database}/stock`,
      REDIS_URL: redis.url,
      SESSION_KEY: "0123456789abcdef0123456789abcdef",
      // As in compose.yaml: longer than nginx keeps an idle connection, so that no request meets a closing one.
      TSGI_DRAIN_IDLE_MS: "6000",
    };
    for (let attempt = 1; ; attempt++) {
      const copy = new CommandProcess(args, { cwd: PACKAGE, env });
      try {
        await copy.until(/tsgi: http/);
        return copy;
      } catch (error) {
        // As systemd and Compose do: a statement of the start may fail while the cluster changes.
        if (attempt === MAX_STARTS) throw error;
        console.log(`a copy starts again: ${copy.stderr}`);
      }
    }
  }

  async function startHaproxy(): Promise<ChildProcess> {
    // A check that is slow because the machine is busy is no dead node. That of a killed node fails at once in any case.
    const unhurried = (script: string) => script.replace("connect-timeout=1 ", "connect-timeout=30 ");
    const ready = join(folder, "galera-ready.sh");
    await writeFile(ready, unhurried(await readFile(new URL("galera-ready.sh", DEPLOY), "utf8")));
    await chmod(ready, 0o755);
    let text = await readFile(new URL("haproxy-galera.cfg", DEPLOY), "utf8");
    for (const [i, node] of cluster.nodes.entries())
      text = text.replace(`10.88.0.2${i + 1}:3306`, `127.0.0.1:${node.port}`);
    text = text
      .replace("timeout check 2s", "timeout check 30s")
      .replace("bind 127.0.0.1:3306", `bind 127.0.0.1:${ports.database}`)
      .replace("/etc/haproxy/galera-ready.sh", ready);
    return startProxy("haproxy", text, (path) => ["-f", path], ports.database);
  }

  async function startNginx(): Promise<ChildProcess> {
    const text = NGINX.adapt(await readFile(new URL("nginx.conf", DEPLOY), "utf8"), folder)
      .replace("10.88.0.11:8080", `127.0.0.1:${ports.first}`)
      .replace("10.88.0.12:8080", `127.0.0.1:${ports.second}`)
      .replace("listen 8080", `listen 127.0.0.1:${ports.front}`);
    return startProxy("nginx", text, (path) => NGINX.args(path, folder), ports.front);
  }

  async function startProxy(
    program: string,
    text: string,
    args: (path: string) => readonly string[],
    port: number,
  ): Promise<ChildProcess> {
    const path = join(folder, `${program}.conf`);
    await writeFile(path, text);
    const child = spawn(program, args(path), { env: ENV, stdio: "ignore" });
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`${program} ended with exit code ${child.exitCode}`);
      await delay(50);
    }
    return child;
  }

  /** The name of the node that HAProxy gives new connections to. */
  async function nodeInUse(): Promise<string | null> {
    try {
      const uri = `mysql://tsgi:tsgi-cluster@127.0.0.1:${ports.database}/stock`;
      const connection = await mysql.createConnection({ uri, connectTimeout: 1000 });
      const [rows] = await connection.query<mysql.RowDataPacket[]>("SELECT @@wsrep_node_name AS name");
      connection.destroy();
      return String(rows[0]?.["name"]);
    } catch {
      return null;
    }
  }

  /** The cookie of a session of the demo's account. */
  async function logIn(): Promise<string> {
    const response = await fetch(`${origin}/login.html`, {
      method: "POST",
      body: new URLSearchParams({ name: "demo", password: "tsgi-demo" }),
      redirect: "manual",
    });
    expect(response.status).toBe(303);
    return response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(";", 1)[0])
      .join("; ");
  }

  /** The failures of a phase, each kind once. */
  const kinds = ({ failures }: Phase) => [...new Set(failures.map(({ request, outcome }) => `${request} ${outcome}`))];

  const outcomes = (phases: readonly Phase[]) =>
    phases.flatMap(({ failures }) => failures.map(({ outcome }) => outcome));

  /** Rejects with the state of all parts, for a test that would else end without a reason. */
  async function stalled(name: string): Promise<never> {
    await delay(STALLED_MS, undefined, { ref: false });
    const states = await Promise.all(cluster.nodes.map(async (node) => `${node.name} ${await node.state()}`));
    const logs = copies.map(({ stdout, stderr }) => `${stdout.slice(-1000)}\n${stderr.slice(-3000)}`);
    throw new Error(`"${name}" takes longer than ${STALLED_MS / 1000} s: ${states.join(", ")}\n${logs.join("\n")}`);
  }

  test("no acknowledged write is lost, and every page sees the last version", { timeout: TIMEOUT_MS }, async () => {
    const [firstNode, ...otherNodes] = cluster.nodes;
    const [first, second] = copies;
    if (firstNode === undefined || first === undefined || second === undefined) throw new Error("It did not start");
    const load = new Load(origin, await logIn(), CODES, WRITERS);
    const pages = [ports.first, ports.second, ports.front].map(
      (port) => new EventClient(`http://127.0.0.1:${port}/events`),
    );
    const during: Load["during"] = async (...args) => {
      const phase = await Promise.race([load.during(...args), stalled(args[0])]);
      console.log(line(phase));
      return phase;
    };

    const calm = await during("no disturbance", WRITES, () => Promise.resolve());
    const killed = await during("kill -9 of the database node that is written to", WRITES, () => firstNode.kill());
    const back = await during("the node comes back and catches up", WRITES, async () => {
      await firstNode.restart();
      while ((await nodeInUse()) !== firstNode.name) await delay(50);
    });
    const reloaded = await during("one copy reloads (HUP)", WRITES, async () => {
      first.process.kill("SIGHUP");
      await first.until(/generation 1 serves/);
      await first.until(/worker \d+ ended \(exit code 0\)/);
    });
    const restarted = await during("the other copy ends (TERM) and starts again", WRITES, async () => {
      second.process.kill("SIGTERM");
      await second.exited;
      copies[1] = await startCopy(ports.second);
    });
    const fanOut = await during("kill -9 of Redis, and a new one", WRITES, async () => {
      await redis.kill();
      await delay(500);
      await redis.start();
    });
    await load.stop();

    for (const phase of [calm, reloaded, fanOut]) expect(kinds(phase)).toEqual([]);
    // A request may meet the connection of nginx to a copy that closes: nginx does not send a POST twice, and responds with 502.
    expect(outcomes([restarted]).filter((outcome) => outcome !== "502")).toEqual([]);
    // Each error of the database is known as one that passes by itself; here is the log of another one.
    expect([...copies, second].flatMap(({ stderr }) => stderr.split(/^(?=[A-Z]+ \/)/m).filter(isUnexpected))).toEqual(
      [],
    );
    // While nodes change, a request is refused for the moment, and no response is truncated.
    expect(outcomes([killed, back]).filter((outcome) => outcome !== "503")).toEqual([]);

    for (const node of [...otherNodes, firstNode]) {
      // wsrep_sync_wait: the query sees all writes of the cluster before it.
      const rows = (sql: string) => node.query(`SET STATEMENT wsrep_sync_wait = 1 FOR ${sql}`, "stock");
      const names = new Set((await rows("SELECT name FROM user")).map((row) => (row as { name: string }).name));
      expect([...load.users].filter((name) => !names.has(name))).toEqual([]);
      for (const [code, note] of load.notes) {
        const [row] = await rows(
          `SELECT note_info FROM focus JOIN info ON info.id = focus.info_id WHERE code = '${code}'`,
        );
        expect([node.name, code, row]).toEqual([node.name, code, { note_info: note }]);
      }
    }

    const [row] = await firstNode.query("SELECT version FROM focus_version", "stock");
    const version = String((row as { version: unknown }).version);
    for (const page of pages) while (page.lastId !== version) await delay(50);
    await Promise.all(pages.map((page) => page.close()));
  });
});

function line({ name, acknowledged, longestGapMs, failures }: Phase): string {
  const gap = (longestGapMs / 1000).toFixed(1);
  return `${name}: ${acknowledged} writes acknowledged, ${failures.length} requests tried again, longest gap ${gap} s`;
}

function isUnexpected(entry: string): boolean {
  return / failed with 500/.test(entry);
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const outcome = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "error").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}
