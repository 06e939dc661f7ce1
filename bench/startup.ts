/**
 * `node bench/startup.ts [--rounds 10] [--only name,…]`: from spawn to the first 200, in CPU time of all processes and in time on the
 * clock, and the resident memory then. The packages are compiled into a temporary folder, as users have them; the peers take turns.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chooseCores, describeMachine, doubts } from "./lib/machine.ts";
import { track } from "./lib/children.ts";
import { cpuMilliseconds, processTree, residentMegabytes, sum } from "./lib/process-tree.ts";
import { median } from "./lib/statistics.ts";

const ROOT = join(import.meta.dirname, "..");
const START_TIMEOUT_MS = 60_000;

export interface StartPeer {
  readonly name: string;
  /** Arguments of node, in the folder of the programs. */
  readonly args: readonly string[];
}

const CLI = "node_modules/@tsgi/server/dist/cli.js";
const HANDLER = 'export default () => ({ status: 200, headers: { "content-type": "text/plain" }, body: "ok" });\n';

/** A program prints its URL when it listens. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "package.json": '{ "type": "module" }\n',
  "app.mjs": HANDLER,
  "app.ts": `import type { Handler } from "@tsgi/gateway-spec";

const handler: Handler = ({ url }) => ({ status: 200, headers: { "content-type": "text/plain" }, body: url });
export default handler;
`,
  "decorated.ts": `const once = (method: () => Response) => method;
class Pages {
  @once page(): Response {
    return new Response("ok");
  }
}
const pages = new Pages();
export default () => pages.page();
`,
  "library.mjs": `import { serve } from "@tsgi/server/socket";
import handler from "./app.mjs";
const server = await serve(handler, { port: 0 });
console.log(server.url);
`,
  "node-http.mjs": `import { createServer } from "node:http";
const server = createServer((request, response) => response.end("ok")).listen(0, "127.0.0.1", () => {
  console.log(\`http://127.0.0.1:\${server.address().port}/\`);
});
`,
  "fastify.mjs": `import { fastify } from "fastify";
const app = fastify();
app.get("/", async () => "ok");
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
`,
};

const command = (name: string, ...args: readonly string[]): StartPeer => ({
  name,
  args: [CLI, ...args, "--port", "0"],
});

export const START_PEERS: readonly StartPeer[] = [
  { name: "library", args: ["library.mjs"] },
  command("tsgi app.mjs", "app.mjs"),
  command("tsgi app.ts", "app.ts"),
  command("tsgi decorated.ts (tsx)", "decorated.ts"),
  command("tsgi --watch app.ts", "app.ts", "--watch"),
  { name: "node:http", args: ["node-http.mjs"] },
  { name: "fastify", args: ["fastify.mjs"] },
];

/** Compiles the packages and writes the programs. @returns the folder. */
export async function prepareStart(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-startup-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of ["gateway-spec", "server"]) await installCompiled(folder, name);
  await symlink(join(ROOT, "bench/node_modules/fastify"), join(folder, "node_modules/fastify"));
  await symlink(join(ROOT, "node_modules/tsx"), join(folder, "node_modules/tsx"));
  for (const [name, text] of Object.entries(PROGRAMS)) await writeFile(join(folder, name), text);
  return folder;
}

/** The package as pnpm packs it: compiled, with the manifest that `publishConfig` describes. */
async function installCompiled(folder: string, name: string): Promise<void> {
  const source = join(ROOT, "packages", name);
  const target = join(folder, "node_modules/@tsgi", name);
  await mkdir(join(target, "node_modules"), { recursive: true });
  const compiler = join(ROOT, "node_modules/.bin/tsc");
  execFileSync(compiler, ["-p", join(source, "tsconfig.json"), "--outDir", join(target, "dist")]);
  const { publishConfig, ...manifest } = JSON.parse(await readFile(join(source, "package.json"), "utf8")) as {
    readonly publishConfig: object;
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  await writeFile(join(target, "package.json"), JSON.stringify({ ...manifest, ...publishConfig }));
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    if (dependency.startsWith("@tsgi/")) continue;
    await symlink(join(source, "node_modules", dependency), join(target, "node_modules", dependency));
  }
}

export interface Start {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly residentMb: number;
}

/** @throws Error if there is no 200 within a minute. */
export async function measureStart({ name, args }: StartPeer, folder: string): Promise<Start> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  track(child);
  try {
    const url = await printedUrl(child, name);
    const response = await fetch(url, { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
    const wallMs = performance.now() - startedAt;
    if (response.status !== 200) throw new Error(`${name} responded with ${response.status}`);
    const pids = processTree(child.pid ?? 0);
    return {
      wallMs,
      cpuMs: sum(pids.map((pid) => cpuMilliseconds(pid))),
      residentMb: sum(pids.map((pid) => residentMegabytes(pid))),
    };
  } finally {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  }
}

function printedUrl(child: ChildProcess, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (piece: Buffer) => {
      text += piece.toString();
      const url = /http:\/\/\S+/.exec(text)?.[0];
      if (url !== undefined) resolve(url);
    });
    child.once("exit", (code) => reject(new Error(`${name} ended with ${String(code)}: ${text}`)));
    setTimeout(() => reject(new Error(`${name} does not listen: ${text}`)), START_TIMEOUT_MS).unref();
  });
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "10" }, only: { type: "string" } } });
  if (process.platform !== "linux") throw new Error("the bench needs Linux: it reads processor time from /proc");
  const only = values.only?.split(",");
  const peers = START_PEERS.filter(({ name }) => only?.includes(name) ?? true);
  console.log(describeMachine());
  for (const doubt of doubts(chooseCores())) console.log(`\n**Doubtful run.** ${doubt}`);
  const folder = await prepareStart();
  const starts = new Map<string, Start[]>(peers.map(({ name }) => [name, []]));
  // The first start of each fills the disk cache and node's cache of compiled code.
  for (const peer of peers) await measureStart(peer, folder);
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const peer of peers) starts.get(peer.name)?.push(await measureStart(peer, folder));
  }
  const library = starts.get("library");
  console.log(`\n${values.rounds} rounds: medians.\n`);
  console.log("| | CPU ms | × library | ms on the clock | resident MB |\n| --- | ---: | ---: | ---: | ---: |");
  for (const [name, list] of starts) {
    const cpu = median(list.map(({ cpuMs }) => cpuMs));
    const ratios = list.map(({ cpuMs }, i) => cpuMs / (library?.[i]?.cpuMs ?? Number.NaN));
    const wall = median(list.map(({ wallMs }) => wallMs));
    const resident = median(list.map(({ residentMb }) => residentMb));
    console.log(
      `| ${name} | ${cpu.toFixed(0)} | ${median(ratios).toFixed(2)} | ${wall.toFixed(0)} | ${resident.toFixed(0)} |`,
    );
  }
}

if (import.meta.main) await run();
