/**
 * `node bench/database.ts`: what the database of the framework costs beside mysql2 alone, and a row as JSON and a page of 50 rows
 * beside fastify and node:http with the same driver. It starts a private MariaDB. `--queries` leaves out the servers.
 */
import { parseArgs } from "node:util";
import { openMysql } from "@tsgi/framework/mysql";
import mysql from "mysql2";
import type { RowDataPacket } from "mysql2";
import { findProgram } from "../scripts/lib/machine.ts";
import { startPrivateMysql } from "../scripts/lib/private-mysql.ts";
import { MYSQL } from "../scripts/lib/providers.ts";
import { measureInTurn, openSite, type Site } from "./lib/measure.ts";
import { median } from "./lib/statistics.ts";
import { compare, markdown } from "./lib/table.ts";
import type { Peer } from "./peers.ts";
import { FIFTY_ROWS, mysqlOptions, ONE_ROW, POOL_SIZE } from "./servers/database-site.ts";
import { stock, stocksPage } from "./servers/stocks-page.ts";
import { workload, type Workload } from "./workloads.ts";

const ROWS = 94;
const OURS = "tsgi";
const BESIDE = "fastify";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "5" },
    queries: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const program = findProgram(MYSQL.programs, process.env);
if (program === null)
  throw new Error("no MariaDB or MySQL server is installed (Debian: apt-get install mariadb-server)");
const site = await openSite(Number(values.seconds));

const server = await startPrivateMysql(program);
try {
  process.env["DATABASE_URL"] = await createTable(server.url);
  await runQueries(process.env["DATABASE_URL"]);
  if (!values.queries) await runServers();
} finally {
  await server.stop();
}

async function createTable(url: string): Promise<string> {
  const admin = openMysql(url);
  await admin.execute("CREATE DATABASE bench CHARACTER SET utf8mb4");
  await admin.close();
  const database = openMysql(`${url}bench`);
  await database.execute(
    "CREATE TABLE info (id INT PRIMARY KEY, code CHAR(6), short VARCHAR(10), chg VARCHAR(10), turnover VARCHAR(10), " +
      "price DECIMAL(10,2), highs DECIMAL(10,2), time DATE)",
  );
  for (let id = 1; id <= ROWS; id++) {
    const row = Object.values(stock(id));
    await database.execute(`INSERT INTO info VALUES (${row.map(() => "?").join(", ")})`, row);
  }
  await database.close();
  return `${url}bench`;
}

/** Processor time of this process for a query, ten at a time, the contenders in turn. */
async function runQueries(url: string): Promise<void> {
  const database = openMysql(url, { maxConnections: POOL_SIZE });
  const pool = mysql.createPool({ ...mysqlOptions(), uri: url });
  const byCallback = (sql: string, parameters: number[]) =>
    new Promise((resolve, reject) => {
      pool.execute<RowDataPacket[]>(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  const contenders: Readonly<Record<string, (sql: string, parameters: number[]) => Promise<unknown>>> = {
    "mysql2, callback": byCallback,
    "mysql2/promise": (sql, parameters) => pool.promise().execute(sql, parameters),
    [OURS]: (sql, parameters) => database.query(sql, parameters),
  };
  for (const [title, sql, count] of [
    ["1 row by key", ONE_ROW, 5000],
    ["50 rows", FIFTY_ROWS, 2500],
  ] as const) {
    const costs = new Map<string, number[]>(Object.keys(contenders).map((name) => [name, []]));
    // The first rounds warm up.
    for (let round = -2; round < rounds * 4; round++) {
      for (const [name, query] of Object.entries(contenders)) {
        const cost = await costOf((id) => query(sql, sql === ONE_ROW ? [id] : []), count);
        if (round >= 0) costs.get(name)?.push(cost);
      }
    }
    const base = median(costs.get("mysql2, callback") ?? []);
    console.log(
      `\n### ${title}: CPU µs of a query\n\n| | least | median | × mysql2, callback |\n| --- | ---: | ---: | ---: |`,
    );
    for (const [name, list] of costs) {
      console.log(
        `| ${name} | ${Math.min(...list).toFixed(1)} | ${median(list).toFixed(1)} | ${(median(list) / base).toFixed(2)} |`,
      );
    }
  }
  await database.close();
  await new Promise<void>((resolve) => pool.end(() => resolve()));
}

async function costOf(query: (id: number) => Promise<unknown>, count: number): Promise<number> {
  const before = process.cpuUsage();
  const worker = async () => {
    for (let index = 0; index < count / POOL_SIZE; index++) await query((index % ROWS) + 1);
  };
  await Promise.all(Array.from({ length: POOL_SIZE }, worker));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

async function runServers(): Promise<void> {
  console.log(`\n${rounds} rounds of ${site.seconds} s, a pool of ${POOL_SIZE}: medians.`);
  for (const workload of [
    workloadOf("one-row", "One row as JSON", "/stocks/7", "application/json", JSON.stringify(stock(7))),
    workloadOf("page", "A page of 50 rows through eta", "/index.html", "text/html", stocksPage()),
  ]) {
    await runServer(workload, site);
  }
}

function workloadOf(name: string, title: string, path: string, contentType: string, text: string): Workload {
  const writes = [`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n`];
  return workload({ name, title, writes, content: Buffer.from(text).toString("latin1"), contentType });
}

async function runServer(workload: Workload, site: Site): Promise<void> {
  const peers = [peerOf(OURS, "tsgi"), peerOf(BESIDE, "fastify"), peerOf("node:http", "node-http")];
  const { measurements, problems } = await measureInTurn(peers, workload, rounds, site);
  const [problem] = problems.values();
  if (problem !== undefined) throw new Error(problem);
  console.log(`\n### ${workload.title}\n\n${markdown(compare(measurements, [BESIDE]))}`);
}

function peerOf(name: string, file: string): Peer {
  const args = [new URL(`servers/database-${file}.ts`, import.meta.url).pathname, "", ""];
  return {
    name,
    installed: true,
    runs: () => true,
    command: () => Promise.resolve({ program: process.execPath, args }),
  };
}
