/** The scores of the conformance table: how they are measured, kept and shown. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cases, labelOf, type Protocol, runsOf } from "@tsgi/gateway-spec/conformance";
import { findRuntime, type RuntimeName } from "./runtimes.ts";

const ROOT = join(import.meta.dirname, "../..");
export const SCORES_FILE: string = join(ROOT, "bench/conformance/scores.json");

/** A failure needs no longer to show on a machine without other work: no case waits for a timeout of half a minute here. */
const DEADLINE_MS = 5000;

/** The columns, and the title of each. */
export const RUNTIMES: Readonly<Record<string, string>> = {
  "node-26": "Node 26",
  "node-24": "Node 24",
  "node-22": "Node 22.13",
  bun: "Bun",
  deno: "Deno",
};

/** A row of the table: a server of bench/conformance/servers.ts, its title, and the runtimes on which it runs. */
export type Row = readonly [server: string, title: string, runtimes: readonly string[]];

const HTTP1_ROWS: readonly Row[] = [
  ["socket", "`@tsgi/server/socket`", Object.keys(RUNTIMES)],
  ["node", "`@tsgi/server/node`", Object.keys(RUNTIMES)],
  ["bun", "`@tsgi/server/bun`", ["bun"]],
  ["deno", "`@tsgi/server/deno`", ["deno"]],
  ["hono-node-server", "`@hono/node-server`, by `toFetch`", ["node-26", "bun", "deno"]],
  ["srvx", "`srvx`, by `toFetch`", ["node-26", "bun", "deno"]],
  ["bun-serve", "`Bun.serve`, by `toFetch`", ["bun"]],
  ["deno-serve", "`Deno.serve`, by `toFetch`", ["deno"]],
  ["node-http", "`node:http`, by `toNode`", ["node-26"]],
  ["express", "`express`, by `toNode`", ["node-26"]],
  ["koa", "`koa`, by `toNode`", ["node-26"]],
  ["fastify", "`fastify`, by `toNode`", ["node-26"]],
];

/** Over TLS, where the server selects HTTP/2. */
const HTTP2_ROWS: readonly Row[] = [
  ["node", "`@tsgi/server/node`", Object.keys(RUNTIMES)],
  ["deno", "`@tsgi/server/deno`", ["deno"]],
  ["hono-node-server", "`@hono/node-server`, by `toFetch`", ["node-26"]],
  ["node-http", "`node:http2`, by `toNode`", ["node-26"]],
  ["koa", "`koa`, by `toNode`", ["node-26"]],
  ["fastify", "`fastify`, by `toNode`", ["node-26"]],
];

const TITLES: Readonly<Record<Protocol, string>> = { "http/1.1": "HTTP/1.1", h2: "HTTP/2" };

/** The tables: one for each protocol. */
export const TABLES: Readonly<Record<Protocol, readonly Row[]>> = { "http/1.1": HTTP1_ROWS, h2: HTTP2_ROWS };

/** The names of the cases over a protocol. */
export function casesOver(protocol: Protocol): readonly string[] {
  return runsOf(cases, [protocol]).map(labelOf);
}

export interface Score {
  /** The version of the runtime. */
  readonly version: string;
  readonly failed: readonly string[];
  /** The server lacks a capability that the contract leaves optional. */
  readonly skipped: readonly string[];
}

/** Over one protocol. */
export interface Table {
  /** Of the kit. */
  readonly cases: readonly string[];
  /** By server, then by runtime. */
  readonly servers: Readonly<Record<string, Readonly<Record<string, Score>>>>;
}

export type Scores = Readonly<Record<Protocol, Table>>;

export function readScores(): Scores {
  return JSON.parse(readFileSync(SCORES_FILE, "utf8")) as Scores;
}

/** @returns the version of a runtime; `null` where it is not installed. */
export function versionOf(runtime: string): string | null {
  return runtime === "node-26" ? process.versions.node : (findRuntime(runtime as RuntimeName)?.version ?? null);
}

/**
 * Runs the kit.
 * @param leaveOut cases that are not run, and are in no list of the result.
 */
export async function measure(
  server: string,
  runtime: string,
  protocol: Protocol,
  leaveOut: readonly string[] = [],
  deadlineMs: number = DEADLINE_MS,
): Promise<{ readonly failed: readonly string[]; readonly skipped: readonly string[] }> {
  const names = casesOver(protocol);
  const outcomes = new Map<string, string>(leaveOut.map((name) => [name, "left out"]));
  while (outcomes.size < names.length) {
    await runOnce(server, runtime, protocol, deadlineMs, outcomes);
    // A case that ends its process has failed; the next process goes on behind it.
    const lost = names.find((name) => !outcomes.has(name));
    if (lost !== undefined) outcomes.set(lost, "failed");
  }
  const having = (kind: string) => names.filter((name) => outcomes.get(name) === kind);
  return { failed: having("failed"), skipped: having("skipped") };
}

async function runOnce(
  server: string,
  runtime: string,
  protocol: Protocol,
  deadlineMs: number,
  outcomes: Map<string, string>,
): Promise<void> {
  const [program, ...args] = commandOf(runtime);
  const own = ["conformance/run.ts", server, protocol, String(deadlineMs), [...outcomes.keys()].join()];
  const child = spawn(program ?? "", [...args, ...own], {
    cwd: join(ROOT, "bench"),
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exit = once(child, "close");
  for await (const line of createInterface({ input: child.stdout })) {
    // Deno prints a warning of its own to the standard output.
    if (!line.startsWith("[")) continue;
    const [kind = "", name = ""] = JSON.parse(line) as readonly string[];
    outcomes.set(name, kind);
  }
  await exit;
}

function commandOf(runtime: string): readonly string[] {
  if (runtime === "node-26") return [process.execPath];
  const program = findRuntime(runtime as RuntimeName)?.program ?? "";
  if (runtime === "deno") return [program, "run", "--allow-all", "--no-config", "--node-modules-dir=manual"];
  return runtime === "node-22" ? [program, "--experimental-strip-types", "--no-warnings"] : [program];
}

/** Rows of servers, columns of runtimes, passed cases of those that were run. */
export function tableOf(scores: Scores, protocol: Protocol): string {
  const { cases: names, servers } = scores[protocol];
  const header = [`cases passed over ${TITLES[protocol]}`, ...Object.values(RUNTIMES)];
  const rows = TABLES[protocol].map(([server, title]) => [
    title,
    ...Object.keys(RUNTIMES).map((runtime) => {
      const score = servers[server]?.[runtime];
      if (score === undefined) return "";
      const run = names.length - score.skipped.length;
      return `${run - score.failed.length} of ${run}`;
    }),
  ]);
  return [header, header.map((_, i) => (i === 0 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |\n`)
    .join("");
}

/** The failed cases of each server on each runtime, for those that do not pass all. */
export function failuresOf(scores: Scores, protocol: Protocol): string {
  return TABLES[protocol]
    .flatMap(([server, title, runtimes]) =>
      runtimes.flatMap((runtime) => {
        const { failed = [], version = "" } = scores[protocol].servers[server]?.[runtime] ?? {};
        if (failed.length === 0) return [];
        const name = RUNTIMES[runtime]?.split(" ")[0];
        return [`- ${title} on ${name} ${version}: ${failed.map((one) => `\`${one}\``).join(", ")}\n`];
      }),
    )
    .join("");
}

/** Replaces what stands between the two comments of a name in a Markdown text. @throws Error where they are missing. */
export function withBlock(text: string, name: string, block: string): string {
  const begin = `<!-- ${name}: written by scripts/conformance-table.ts -->\n`;
  const end = `<!-- end of ${name} -->\n`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`no block ${JSON.stringify(name)}: ${begin.trim()}`);
  return `${text.slice(0, from + begin.length)}\n${block}\n${text.slice(to)}`;
}

/** The documents that show the scores, with their texts as they should be. */
export function documentsOf(scores: Scores): ReadonlyMap<string, string> {
  const readme = join(ROOT, "packages/server/README.md");
  const page = join(ROOT, "docs/runtimes.md");
  const tables = `${tableOf(scores, "http/1.1")}\n${tableOf(scores, "h2")}`;
  const failures = `Over HTTP/1.1:\n\n${failuresOf(scores, "http/1.1")}\nOver HTTP/2:\n\n${failuresOf(scores, "h2")}`;
  return new Map([
    [readme, withBlock(textOf(readme), "scores", tables)],
    [page, withBlock(withBlock(textOf(page), "scores", tables), "failures", failures)],
  ]);
}

function textOf(path: string): string {
  return readFileSync(path, "utf8");
}
