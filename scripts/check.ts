/** `pnpm check`: everything except the tests. Runs all steps, and exits with 1 if one has failed. */
import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";

import { checkCreatedApps } from "./created-apps.ts";
import { findProgram, run } from "./lib/machine.ts";
import { manifestProblems } from "./lib/manifests.ts";
import type { Manifest } from "./lib/manifests.ts";
import { obtain } from "./lib/obtain.ts";
import { startPackageRegistry } from "./lib/package-registry.ts";
import { startPrivateMysql } from "./lib/private-mysql.ts";
import { MYSQL } from "./lib/providers.ts";
import { installRuntimes, requireRuntime } from "./lib/runtimes.ts";

const ROOT = join(import.meta.dirname, "..");
const BIN = join(ROOT, "node_modules/.bin");
const folder = await mkdtemp(join(tmpdir(), "tsgi-check-"));
const failed: string[] = [];
try {
  await step("format", () => tool("oxfmt", "--check"));
  await step("lint, with import cycles and import direction", () => tool("oxlint", "--deny-warnings"));
  await step("package manifests", checkManifests);
  await step("plain English", () => command(ROOT, process.execPath, join(ROOT, "scripts/prose.ts")));
  await step("types", () => tool("tsc", "--noEmit", "-p", "tsconfig.json"));
  if ((await step("the oldest Node", installRuntimes)) && (await step("build", build)) && (await step("pack", pack))) {
    const tarballs = await packed();
    await step("publint", () => each(tarballs, (file) => tool("publint", "run", "--strict", file)));
    await step("are the types wrong?", () => each(tarballs, checkTypes));
    await step("a program on the packed packages", () => consume(tarballs));
    await step("a CommonJS folder with the packed packages, by pnpm", () => consumeByPnpm(tarballs));
    await step("publish, without effect", publishWithoutEffect);
    await step("applications that create-tsgi creates, by npm and pnpm", () => createApps(tarballs));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(failed.length === 0 ? "\ncheck: all passed" : `\ncheck: failed: ${failed.join("; ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function step(name: string, work: () => Promise<void>): Promise<boolean> {
  console.log(`\n== ${name}`);
  const start = performance.now();
  let outcome = "passed";
  try {
    await work();
  } catch (error) {
    failed.push(name);
    outcome = `FAILED (${error instanceof Error ? error.message : String(error)})`;
  }
  console.log(`== ${name}: ${outcome}, ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return outcome === "passed";
}

async function checkManifests(): Promise<void> {
  const problems = (await packageFolders()).flatMap(({ manifest }) => manifestProblems(manifest));
  for (const problem of problems) console.log(problem);
  if (problems.length > 0) throw new Error(`${problems.length} problems`);
}

async function build(): Promise<void> {
  // Outputs of deleted sources must not be packed.
  for (const { path } of await packageFolders()) await rm(join(path, "dist"), { recursive: true, force: true });
  await pnpm(ROOT, "build");
}

async function pack(): Promise<void> {
  for (const { path, manifest } of await packageFolders()) {
    if (manifest.private !== true) await pnpm(path, "--silent", "pack", "--pack-destination", folder);
  }
}

/** The output covers resolutions that an ESM-only package does not have, so it is printed only on failure. */
async function checkTypes(tarball: string): Promise<void> {
  // A command without entries.
  if (basename(tarball).startsWith("create-tsgi-")) return;
  const { status, output } = await run(join(BIN, "attw"), ["--profile", "esm-only", tarball], { env: process.env });
  console.log(status === 0 ? `${basename(tarball)}: all entries resolve` : output);
  if (status !== 0) throw new Error(`attw ${tarball}: ${status}`);
}

async function packed(): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".tgz")).map((name) => join(folder, name));
}

/** Installs the tarballs as a user does, type-checks every entry, and runs a program on this and the oldest Node, and the conformance kit. */
async function consume(tarballs: readonly string[]): Promise<void> {
  const consumer = join(folder, "consumer");
  await mkdir(consumer);
  await writeConsumer(consumer, tarballs);
  await command(consumer, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error");
  await command(consumer, process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json");
  for (const node of [process.execPath, oldestNode()]) {
    for (const program of ["entries.js", "main.js"]) await command(consumer, node, program);
  }
  await command(consumer, "npx", "tsgi-conformance", "--serve", "./server.js", "--filter", "request-h");
}

/** What `pnpm release` publishes, with the checks of pnpm. The registry is empty, and nothing is sent to it. */
async function publishWithoutEffect(): Promise<void> {
  await using registry = await startPackageRegistry([]);
  await pnpm(ROOT, "--recursive", "publish", "--dry-run", "--no-git-checks", "--registry", registry.url);
}

async function createApps(tarballs: readonly string[]): Promise<void> {
  const obtained = await obtain(MYSQL);
  const mysql =
    obtained.kind === "given"
      ? { url: obtained.value, stop: () => Promise.resolve() }
      : await startPrivateMysql(obtained.path);
  try {
    // The scripts of the applications run on the repository's Node.
    const path = [dirname(process.execPath), BIN, process.env["PATH"]].join(delimiter);
    await checkCreatedApps({ folder: join(folder, "created"), tarballs, mysqlUrl: mysql.url, path });
  } finally {
    await mysql.stop();
  }
}

/** Installs the tarballs by pnpm into a folder as `npm init -y` makes it: a CommonJS package. */
async function consumeByPnpm(tarballs: readonly string[]): Promise<void> {
  const consumer = join(folder, "pnpm-consumer");
  await mkdir(consumer);
  const dependencies = await tarballDependencies(tarballs);
  await writeJson(join(consumer, "package.json"), { name: "app", version: "1.0.0", type: "commonjs", dependencies });
  const overrides = Object.entries(dependencies).map(
    ([name, file]) => `  ${JSON.stringify(name)}: ${JSON.stringify(file)}\n`,
  );
  await writeFile(join(consumer, "pnpm-workspace.yaml"), `overrides:\n${overrides.join("")}`);
  for (const file of ["app.mjs", "run.mjs"]) {
    await copyFile(join(import.meta.dirname, "consumer", file), join(consumer, file));
  }
  await copyFile(join(import.meta.dirname, "consumer/app.mjs"), join(consumer, "app.js"));
  await pnpm(consumer, "install", "--silent");
  const tsgi = join(consumer, "node_modules/@tsgi/server/dist/cli.js");
  for (const node of [process.execPath, oldestNode()]) {
    await command(consumer, node, "run.mjs");
    await command(consumer, node, tsgi, "--check", "./app.mjs");
    const { status, output } = await run(node, [tsgi, "0", "./app.js"], { env: process.env, cwd: consumer });
    if (status !== 1 || !output.includes('"type": "commonjs"')) throw new Error(`tsgi ./app.js: ${status}\n${output}`);
  }
}

/** The oldest Node that `engines` permits. */
function oldestNode(): string {
  return requireRuntime("node-22").program;
}

async function tarballDependencies(tarballs: readonly string[]): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(
    (await importable()).map(({ name }) => {
      const prefix = name.replace("@", "").replace("/", "-");
      return [name, `file:${tarballs.find((file) => basename(file).startsWith(prefix))}`];
    }),
  );
}

async function writeConsumer(consumer: string, tarballs: readonly string[]): Promise<void> {
  const published = await importable();
  const dependencies = await tarballDependencies(tarballs);
  // Every entry is imported, those of optional peers too.
  const peers = Object.assign({}, ...published.map(({ peerDependencies }) => peerDependencies)) as object;
  const nodeTypes = await readJson(join(ROOT, "node_modules/@types/node/package.json"));
  await writeJson(join(consumer, "package.json"), {
    private: true,
    type: "module",
    dependencies: { ...peers, ...dependencies },
    devDependencies: { "@types/node": nodeTypes["version"] },
    // The packages of this repository must not come from the registry.
    overrides: Object.fromEntries(Object.keys(dependencies).map((name) => [name, `$${name}`])),
  });
  await writeJson(join(consumer, "tsconfig.json"), {
    compilerOptions: { strict: true, target: "es2024", module: "nodenext", types: ["node"], skipLibCheck: false },
    files: ["main.ts", "entries.ts"],
  });
  const entries = published.flatMap(({ name, exports = {} }) => Object.keys(exports).map((key) => name + key.slice(1)));
  const imports = entries.map((entry, i) => `import * as entry${i} from "${entry}";`);
  const list = entries.map((_, i) => `entry${i}`).join(", ");
  await writeFile(
    join(consumer, "entries.ts"),
    `${imports.join("\n")}\nconsole.log([${list}].length, "entries load");\n`,
  );
  await writeFile(join(consumer, "server.js"), `export { serve } from "@tsgi/server/socket";\n`);
  await copyFile(join(import.meta.dirname, "consumer/main.ts"), join(consumer, "main.ts"));
}

/** The manifests of the published packages that have entries. */
async function importable(): Promise<readonly Manifest[]> {
  const manifests = (await packageFolders()).map(({ manifest }) => manifest);
  return manifests.filter((one) => one.private !== true && one.exports !== undefined);
}

async function packageFolders(): Promise<readonly { readonly path: string; readonly manifest: Manifest }[]> {
  const names = (await readdir(join(ROOT, "packages"))).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const path = join(ROOT, "packages", name);
      return { path, manifest: (await readJson(join(path, "package.json"))) as unknown as Manifest };
    }),
  );
}

async function readJson(file: string): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await readFile(file, "utf8")) as Readonly<Record<string, unknown>>;
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Runs `work` for every item, also after a failure. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  for (const item of items) await work(item).catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

async function tool(name: string, ...args: readonly string[]): Promise<void> {
  await command(ROOT, join(BIN, name), ...args);
}

/** `npx pnpm` adds pnpm to PATH; without it, `node scripts/check.ts` uses npx. */
async function pnpm(cwd: string, ...args: readonly string[]): Promise<void> {
  const path = findProgram(["pnpm"], process.env);
  await (path === null ? command(cwd, "npx", "-y", "pnpm@12", ...args) : command(cwd, path, ...args));
}

async function command(cwd: string, program: string, ...args: readonly string[]): Promise<void> {
  const ended = Promise.withResolvers<number | string>();
  const child = spawn(program, args, { cwd, stdio: "inherit" });
  child.once("error", (error) => ended.resolve(error.message));
  child.once("close", (code, signal) => ended.resolve(code ?? signal ?? "no status"));
  const status = await ended.promise;
  if (status !== 0) throw new Error(`${basename(program)} ${args.join(" ")}: ${status}`);
}
