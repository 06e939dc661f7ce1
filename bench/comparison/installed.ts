/** What an installation of an application's dependencies brings: packages and bytes, measured in a new folder. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pathOf, sourceOf, type Subject } from "./subjects.ts";

const run = promisify(execFile);
const ROOT = pathOf("../../");

/** The packages of this repository, in the order of their dependencies. */
const OWN = ["gateway-spec", "server", "framework"];

/** Debian's packages of fastapi.py, with the loop and the parser that FastAPI recommends, and what they bring besides modules. */
const DEBIAN = ["fastapi", "uvicorn", "uvloop", "httptools", "jinja2", "multipart", "itsdangerous"].map(
  (name) => `python3-${name}`,
);
const NO_MODULE = new Set(["python3-minimal", "python3-distutils", "python3-lib2to3"]);

export interface Installed {
  readonly packages: number;
  readonly bytes: number;
}

export function measureInstallation(subject: Subject): Promise<Installed> {
  return subject.file.endsWith(".ts") ? measureNpm(subject) : measureDebian();
}

/** A fresh `npm install` of what the file imports. The packages of this repository are built and packed before. */
async function measureNpm(subject: Subject): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-installed-"));
  try {
    const names = importedPackages(sourceOf(subject));
    const isOwn = names.some((name) => name.startsWith("@tsgi/"));
    // The page of the API's documentation is an optional part of @tsgi/framework.
    if (isOwn) names.push("swagger-ui-dist");
    const own = isOwn ? await packOwn(folder) : {};
    const others = names.filter((name) => !name.startsWith("@tsgi/"));
    const versions = await Promise.all(others.map(async (name) => [name, await versionOf(name)] as const));
    const dependencies = { ...Object.fromEntries(versions), ...own };
    await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, dependencies, overrides: own }));
    await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder });
    const lock = JSON.parse(await readFile(join(folder, "package-lock.json"), "utf8")) as { packages: object };
    const installed = Object.keys(lock.packages).filter((path) => path !== "");
    return { packages: installed.length, bytes: await bytesIn(join(folder, "node_modules")) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function importedPackages(source: string): string[] {
  const specifiers = [...source.matchAll(/ from "([^".][^"]*)"/g)].map(([, specifier]) => specifier ?? "");
  const names = specifiers
    .filter((specifier) => !isBuiltin(specifier))
    .map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
  return [...new Set(names)];
}

async function versionOf(name: string): Promise<string> {
  const manifest = await readFile(pathOf(`../node_modules/${name}/package.json`), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

async function packOwn(folder: string): Promise<Readonly<Record<string, string>>> {
  await pnpm(ROOT, "build");
  for (const name of OWN) await pnpm(join(ROOT, "packages", name), "pack", "--pack-destination", folder);
  const files = await readdir(folder);
  return Object.fromEntries(
    OWN.map((name) => [`@tsgi/${name}`, `file:${files.find((file) => file.startsWith(`tsgi-${name}-`)) ?? ""}`]),
  );
}

function pnpm(cwd: string, ...args: readonly string[]): Promise<unknown> {
  return run("npx", ["-y", "pnpm@12", "--silent", ...args], { cwd });
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((total, size) => total + size, 0);
}

/** The Python packages of the distribution, which bring no second interpreter. */
async function measureDebian(): Promise<Installed> {
  const without = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"].map(
    (kind) => `--no-${kind}`,
  );
  const { stdout: tree } = await run("apt-cache", ["depends", "--recurse", "--installed", ...without, ...DEBIAN]);
  const packages = tree.split("\n").filter((line) => /^python3-[\w.+-]+$/.test(line) && !NO_MODULE.has(line));
  const { stdout: sizes } = await run("dpkg-query", ["-W", "-f", "${Installed-Size}\n", ...packages]);
  const kibibytes = sizes
    .trim()
    .split("\n")
    .reduce((total, size) => total + Number(size), 0);
  return { packages: packages.length, bytes: kibibytes * 1024 };
}
