/** Three MariaDB servers on 127.0.0.1 that are one Galera cluster, each with little memory. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import mysql from "mysql2/promise";
import { freePorts } from "../../../framework/test/free-port.ts";
import { ENV } from "../../../server/test/proxies.ts";

const LIBRARY = ["/usr/lib/galera/libgalera_smm.so", "/usr/lib/libgalera_smm.so"].find((path) => existsSync(path));

/** A server of root runs as this user, which Debian's package makes: as root, the rsync between nodes gives up its rights by itself. */
const OWNER = process.getuid?.() === 0 ? "mysql" : null;

const SIZE = 3;
const PORTS_OF_A_NODE = 4;
const USER = "tsgi";
const PASSWORD = "tsgi-cluster";

/** Limits for a test machine; the times make a dead node known after three seconds instead of five. */
const SERVER_OPTIONS = {
  bind_address: "127.0.0.1",
  skip_name_resolve: "ON",
  skip_log_bin: "ON",
  binlog_format: "ROW",
  default_storage_engine: "InnoDB",
  innodb_autoinc_lock_mode: "2",
  innodb_flush_log_at_trx_commit: "2",
  innodb_buffer_pool_size: "16M",
  innodb_log_file_size: "8M",
  innodb_log_buffer_size: "1M",
  innodb_temp_data_file_path: "ibtmp1:4M:autoextend",
  key_buffer_size: "64K",
  aria_pagecache_buffer_size: "1M",
  performance_schema: "OFF",
  max_connections: "60",
  table_open_cache: "64",
  query_cache_type: "0",
  wsrep_on: "ON",
  wsrep_sst_method: "rsync",
  wsrep_slave_threads: "1",
} as const;
const PROVIDER_OPTIONS =
  "gcache.size=16M;gcache.page_size=8M;evs.inactive_check_period=PT0.5S;" +
  "evs.suspect_timeout=PT3S;evs.inactive_timeout=PT10S;evs.install_timeout=PT10S;pc.wait_prim=no";

export class GaleraNode {
  readonly name: string;
  readonly port: number;
  /** Where the other nodes reach it. */
  readonly group: string;
  readonly #folder: string;
  readonly #ist: string;
  readonly #sst: string;
  #process: ChildProcess | null = null;

  constructor(name: string, folder: string, [port = 0, group = 0, ist = 0, sst = 0]: readonly number[]) {
    this.name = name;
    this.port = port;
    this.#folder = join(folder, name);
    this.group = `127.0.0.1:${group}`;
    this.#ist = `127.0.0.1:${ist}`;
    this.#sst = `127.0.0.1:${sst}`;
  }

  /** Of a user who has all privileges. */
  url(database = ""): string {
    return `mysql://${USER}:${PASSWORD}@127.0.0.1:${this.port}/${database}`;
  }

  /** @param seed a data folder that this node begins with. */
  async prepare(seed: string, nodes: readonly GaleraNode[]): Promise<void> {
    await cp(seed, this.#folder, { recursive: true });
    const options: Readonly<Record<string, string>> = {
      ...SERVER_OPTIONS,
      datadir: this.#folder,
      tmpdir: this.#folder,
      socket: `${this.#folder}.sock`,
      pid_file: `${this.#folder}.pid`,
      port: String(this.port),
      wsrep_provider: LIBRARY ?? "",
      wsrep_provider_options: `"gmcast.listen_addr=tcp://${this.group};ist.recv_addr=${this.#ist};${PROVIDER_OPTIONS}"`,
      wsrep_cluster_name: "tsgi",
      wsrep_cluster_address: `gcomm://${nodes.map(({ group }) => group).join(",")}`,
      wsrep_node_name: this.name,
      wsrep_node_address: this.group,
      wsrep_node_incoming_address: `127.0.0.1:${this.port}`,
      wsrep_sst_receive_address: this.#sst,
      // Another node gives a joining one its data than the one that is written to: meanwhile its state is not "Synced".
      wsrep_sst_donor: `${nodes
        .map(({ name }) => name)
        .toReversed()
        .join(",")},`,
    };
    const lines = Object.entries(options).map(([name, value]) => `${name}=${value}`);
    await writeFile(this.#config, `[mariadbd]\n${lines.join("\n")}\n`);
  }

  /** Resolves when it is in step with the others. @param args such as `--wsrep-new-cluster`. */
  async start(...args: readonly string[]): Promise<void> {
    const child = this.#spawn(args);
    this.#process = child;
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${this.name} ended:\n${await this.#end()}`);
      if ((await this.state()) === "Synced") return;
      await delay(50);
    }
  }

  /** Starts after a kill: it knows by its data which writes it lacks, and gets those from another node. */
  async restart(): Promise<void> {
    const recovery = this.#spawn(["--wsrep-recover"]);
    await once(recovery, "exit");
    const position = /Recovered position: (\S+)/.exec(await this.#log())?.[1];
    if (position === undefined) throw new Error(`${this.name} has no position:\n${await this.#end()}`);
    await this.start(`--wsrep-start-position=${position}`);
  }

  /** Such as `Synced` or `Joining`; null while it accepts no query. */
  async state(): Promise<string | null> {
    try {
      const rows = await this.query("SHOW STATUS LIKE 'wsrep_local_state_comment'");
      return String((rows[0] as { readonly Value?: unknown } | undefined)?.Value);
    } catch {
      return null;
    }
  }

  async query(sql: string, database = ""): Promise<readonly unknown[]> {
    const connection = await mysql.createConnection({ uri: this.url(database), connectTimeout: 1000 });
    try {
      const [rows] = await connection.query(sql);
      return rows as readonly unknown[];
    } finally {
      connection.destroy();
    }
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  get #config(): string {
    return `${this.#folder}.cnf`;
  }

  #log(): Promise<string> {
    return readFile(`${this.#folder}.log`, "utf8");
  }

  async #end(): Promise<string> {
    return (await this.#log()).trimEnd().split("\n").slice(-20).join("\n");
  }

  #spawn(args: readonly string[]): ChildProcess {
    const log = openSync(`${this.#folder}.log`, "a");
    const child = spawn(
      "mariadbd",
      [`--defaults-file=${this.#config}`, ...(OWNER === null ? [] : [`--user=${OWNER}`]), ...args],
      {
        env: ENV,
        stdio: ["ignore", log, log],
      },
    );
    closeSync(log);
    return child;
  }
}

export class GaleraCluster implements AsyncDisposable {
  readonly nodes: readonly GaleraNode[];

  private constructor(nodes: readonly GaleraNode[]) {
    this.nodes = nodes;
  }

  /** Starts the nodes one after the other, each with the data of the first one. @param folder for data and logs. */
  static async start(folder: string): Promise<GaleraCluster> {
    if (LIBRARY === undefined) throw new Error("There is no libgalera_smm.so: install Debian's galera-4");
    const ports = await freePorts(SIZE * PORTS_OF_A_NODE);
    const nodes = Array.from(
      { length: SIZE },
      (_, i) => new GaleraNode(`db${i + 1}`, folder, ports.slice(i * PORTS_OF_A_NODE)),
    );
    const cluster = new GaleraCluster(nodes);
    const seed = join(folder, "seed");
    // Never --user: with it, the installer gives a folder of the system's server to that user.
    await run("mariadb-install-db", "--no-defaults", `--datadir=${seed}`, "--skip-test-db");
    const init = join(folder, "init.sql");
    await writeFile(
      init,
      `CREATE USER ${USER}@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';\nGRANT ALL ON *.* TO ${USER}@'127.0.0.1';\n` +
        "CREATE USER haproxy@'127.0.0.1';\nCREATE DATABASE stock;\n",
    );
    try {
      for (const node of nodes) await node.prepare(seed, nodes);
      if (OWNER !== null) await run("chown", "--recursive", OWNER, folder);
      const [first, ...others] = nodes;
      await first?.start("--wsrep-new-cluster", `--init-file=${init}`);
      for (const node of others) await node.start();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }
}

async function run(program: string, ...args: readonly string[]): Promise<void> {
  const [code] = (await once(spawn(program, args, { env: ENV, stdio: "ignore" }), "exit")) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with exit code ${code}`);
}
