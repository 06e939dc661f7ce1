/**
 * `node bench/comparison/run.ts [--seconds 2] [--rounds 3]`: one application in several frameworks, side by side: its length, what
 * the compiler finds, what an installation brings, and what requests cost.
 */
import { rmSync } from "node:fs";
import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chooseCores, type Cores, describeMachine, doubts, pinSelf } from "../lib/machine.ts";
import { ServerProcess } from "../lib/server-process.ts";
import { median } from "../lib/table.ts";
import { CONNECTIONS, Wrk } from "../lib/wrk.ts";
import { findProgram } from "../peers.ts";
import type { Workload } from "../workloads.ts";
import { measureInstallation } from "./installed.ts";
import { findMistakes, MISTAKES } from "./mistakes.ts";
import { pathOf, sourceOf, SUBJECTS, type Subject } from "./subjects.ts";

const WARM_UP_SECONDS = 1;
const HOST = "Host: 127.0.0.1:8080\r\n";
const NOTE = JSON.stringify({ title: "A title", text: "The text of a note that a client sends" });

/** comparison.test.ts checks the responses. */
const WORKLOADS: readonly Workload[] = [
  workload("page", "the page", `GET / HTTP/1.1\r\n${HOST}\r\n`),
  workload("get", "GET of JSON", `GET /api/notes/7 HTTP/1.1\r\n${HOST}\r\n`),
  workload(
    "post",
    "POST of JSON",
    `POST /api/notes HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${NOTE.length}\r\n\r\n${NOTE}`,
  ),
];

function workload(name: string, title: string, bytes: string): Workload {
  const nothing = {
    pipelined: 1,
    status: 200 as const,
    content: "",
    contentType: "",
    idleConnections: 0,
    file: null,
    tls: false,
  };
  return { name, title, writes: [bytes], ...nothing };
}

interface Cost {
  readonly cpuMicroseconds: number;
  readonly requestsPerSecond: number;
}

async function measure({ command }: Subject, workload: Workload, wrk: Wrk, cores: Cores | null, seconds: number) {
  const server = await ServerProcess.start(command, cores?.server ?? null);
  try {
    const load = { port: server.port, workload, core: cores?.load ?? null };
    await wrk.run({ ...load, seconds: WARM_UP_SECONDS });
    const before = server.cpuMicroseconds();
    const { requests, requestsPerSecond } = await wrk.run({ ...load, seconds });
    return { cpuMicroseconds: (server.cpuMicroseconds() - before) / requests, requestsPerSecond };
  } finally {
    await server.stop();
  }
}

/** Lines of the application and its views that are not empty and no comment. */
async function countLines(subject: Subject): Promise<number> {
  const views = subject.views === null ? [] : await readdir(pathOf(subject.views));
  const texts = [
    sourceOf(subject),
    ...(await Promise.all(views.map((view) => readFile(join(pathOf(subject.views ?? ""), view), "utf8")))),
  ];
  return texts.flatMap((text) => text.split("\n")).filter((line) => !/^\s*($|\/\/|\/\*|\*|#|""")/.test(line)).length;
}

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "2" }, rounds: { type: "string", default: "3" } },
});
const program = findProgram("wrk");
if (program === null) throw new Error("wrk, the load generator, is not installed (Debian: apt-get install wrk)");
const folder = await mkdtemp(join(tmpdir(), "tsgi-comparison-"));
process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});
const wrk = new Wrk(program, folder);
const cores = chooseCores();
console.log(
  `${describeMachine()}; ${values.rounds} rounds of ${values.seconds} s, ${CONNECTIONS} connections: medians.`,
);
for (const doubt of doubts(cores)) console.log(`\n**Doubtful run.** ${doubt}`);

const found = await findMistakes();
const rows = new Map<string, string[]>();
for (const subject of SUBJECTS) {
  const { packages, bytes } = await measureInstallation(subject);
  const titles = found.get(subject.name);
  rows.set(subject.name, [
    String(await countLines(subject)),
    titles === undefined ? "at run time" : `${titles.length} of ${MISTAKES.length}`,
    String(packages),
    (bytes / 1e6).toFixed(1),
  ]);
}

if (cores !== null) pinSelf(cores.load);
for (const workload of WORKLOADS) {
  const costs = new Map<string, Cost[]>(SUBJECTS.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const subject of SUBJECTS) {
      costs.get(subject.name)?.push(await measure(subject, workload, wrk, cores, Number(values.seconds)));
    }
  }
  for (const [name, list] of costs) {
    const cpu = median(list.map(({ cpuMicroseconds }) => cpuMicroseconds));
    const requests = median(list.map(({ requestsPerSecond }) => requestsPerSecond));
    rows.get(name)?.push(cpu.toFixed(0), Math.round(requests).toLocaleString("en-GB"));
  }
}

const costTitles = WORKLOADS.flatMap(({ title }) => [`${title}: CPU µs`, "requests/s"]);
const header = ["", "lines", "mistakes found", "packages", "MB installed", ...costTitles];
const lines = [header, header.map((_title, index) => (index === 0 ? "---" : "---:"))];
for (const [name, cells] of rows) lines.push([name, ...cells]);
console.log(`\n${lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}`);
for (const [name, titles] of found) {
  const missed = MISTAKES.filter(({ title }) => !titles.includes(title)).map(({ title }) => title);
  if (missed.length > 0) console.log(`\n${name} compiles with: ${missed.join("; ")}.`);
}
