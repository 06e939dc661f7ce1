/** `pnpm version-packages` on a copy of the files that have the version. */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const VERSIONED = [
  "package.json",
  ...globSync(["packages/*/package.json", "packages/*/src/version.ts"], { cwd: ROOT }),
];
const COPIED = [...VERSIONED, "CHANGELOG.md", "pnpm-workspace.yaml", "pnpm-lock.yaml", ".changeset/config.json"];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsgi-release-"));
  for (const file of COPIED) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  run("git", "init", "--quiet", "--initial-branch=main");
  run("git", "add", ".");
  run("git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet", "--message=Start");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stdout + stderr);
  return stdout;
}

const read = (file: string) => readFileSync(join(folder, file), "utf8");
const versionPackages = () => run(process.execPath, join(ROOT, "scripts/version.ts"));

function addChangeset(name: string, packages: Readonly<Record<string, string>>, summary: string): void {
  const lines = Object.entries(packages).map(([key, type]) => `"${key}": ${type}\n`);
  writeFileSync(join(folder, `.changeset/${name}.md`), `---\n${lines.join("")}---\n\n${summary}\n`);
}

test("a changeset for one package gives every package, every constant and the changelog the next version", () => {
  const before = read("CHANGELOG.md");
  addChangeset("quiet-tests-run", { "@tsgi/server": "minor" }, "`serve` takes `backlog`.");
  addChangeset("safe-files-stay", { "@tsgi/server": "patch" }, "security: Static files follow no junction.");

  expect(versionPackages()).toBe("version 0.2.0: 2 changes\n");

  for (const file of VERSIONED)
    expect(read(file), file).toMatch(/^(?: {2}"version": |export const VERSION = )"0\.2\.0"/m);
  const changelog = read("CHANGELOG.md");
  expect(changelog).toContain(
    "\n## 0.2.0\n\n### Security\n\n- Static files follow no junction.\n\n### Added\n\n- `serve` takes `backlog`.\n\n## 0.1.0",
  );
  expect(changelog.replace(/## 0\.2\.0[^]*?(?=## 0\.1\.0)/, "")).toBe(before);
  expect(globSync(["**/CHANGELOG.md", ".changeset/*.md"], { cwd: folder })).toEqual(["CHANGELOG.md"]);
  expect(read("packages/server/package.json")).toContain('"@tsgi/gateway-spec": "workspace:^"');
});

test("without a changeset, nothing changes", () => {
  expect(versionPackages()).toBe("no changeset asks for a release\n");
  expect(run("git", "status", "--porcelain")).toBe("");
});
