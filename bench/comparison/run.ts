/**
 * `node bench/comparison/run.ts [--seconds 2] [--rounds 3]`: one application in several frameworks, side by side: its length, what
 * the compiler finds, what an installation brings, and what requests cost.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureInTurn, openSite } from "../lib/measure.ts";
import { median } from "../lib/statistics.ts";
import { markdown, withRule } from "../lib/table.ts";
import type { Peer } from "../peers.ts";
import { workload, type Workload } from "../workloads.ts";
import { measureInstallation } from "./installed.ts";
import { findMistakes, MISTAKES } from "./mistakes.ts";
import { pathOf, sourceOf, SUBJECTS, type Subject } from "./subjects.ts";

const HOST = "Host: 127.0.0.1:8080\r\n";
const NOTE = JSON.stringify({ title: "A title", text: "The text of a note that a client sends" });

/** comparison.test.ts checks the responses. */
const WORKLOADS: readonly Workload[] = [
  workload({ name: "page", title: "the page", writes: [`GET / HTTP/1.1\r\n${HOST}\r\n`] }),
  workload({ name: "get", title: "GET of JSON", writes: [`GET /api/notes/7 HTTP/1.1\r\n${HOST}\r\n`] }),
  workload({
    name: "post",
    title: "POST of JSON",
    status: 201,
    writes: [
      `POST /api/notes HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${NOTE.length}\r\n\r\n${NOTE}`,
    ],
  }),
];

const PEERS: readonly Peer[] = SUBJECTS.map(({ name, command }) => ({
  name,
  installed: true,
  runs: () => true,
  command: () => Promise.resolve(command),
}));

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
const site = await openSite(Number(values.seconds));
console.log(`\n${values.rounds} rounds of ${values.seconds} s: medians.`);

const found = await findMistakes();
const rows = new Map<string, string[]>();
for (const subject of SUBJECTS) {
  const { packages, bytes } = await measureInstallation(subject);
  const titles = found.get(subject.name);
  rows.set(subject.name, [
    subject.name,
    String(await countLines(subject)),
    titles === undefined ? "at run time" : `${titles.length} of ${MISTAKES.length}`,
    String(packages),
    (bytes / 1e6).toFixed(1),
  ]);
}

for (const workload of WORKLOADS) {
  const { measurements, problems } = await measureInTurn(PEERS, workload, Number(values.rounds), site);
  for (const [name, problem] of problems) console.log(`\nLeft out: ${name}: ${problem}.`);
  for (const [name, list] of measurements) {
    const cpu = median(list.map(({ cpuMicrosecondsPerRequest }) => cpuMicrosecondsPerRequest));
    const requests = median(list.map(({ requestsPerSecond }) => requestsPerSecond));
    rows.get(name)?.push(cpu.toFixed(0), Math.round(requests).toLocaleString("en-GB"));
  }
}

const costTitles = WORKLOADS.flatMap(({ title }) => [`${title}: CPU µs`, "requests/s"]);
const header = ["", "lines", "mistakes found", "packages", "MB installed", ...costTitles];
const lines = withRule(header, [...rows.values()]);
console.log(`\n${markdown(lines)}`);
for (const [name, titles] of found) {
  const missed = MISTAKES.filter(({ title }) => !titles.includes(title)).map(({ title }) => title);
  if (missed.length > 0) console.log(`\n${name} compiles with: ${missed.join("; ")}.`);
}
