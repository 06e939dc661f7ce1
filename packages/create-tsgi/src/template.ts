/**
 * Makes the files of an application. The folder `template` is the whole application, with page and API, on both databases. What
 * belongs to one choice only is marked, and is left out where another choice was made:
 *
 * - a file or folder, by its row in `ONLY`;
 * - a line, by a comment at its end: `only: page`;
 * - the lines up to the next empty line, by such a comment on a line of its own. It may name several choices: `only: yarn bun`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DatabaseKind } from "./arguments.ts";
import type { PackageManager } from "./package-manager.ts";

export interface Choices {
  /** Of the package and the folder. */
  readonly name: string;
  readonly page: boolean;
  readonly api: boolean;
  readonly database: DatabaseKind;
  readonly packageManager: PackageManager;
}

/** A file's path, with `/`, and its content. */
export type Files = ReadonlyMap<string, string>;

type Choice = "page" | "no-page" | "api" | DatabaseKind | PackageManager;

const ONLY: Readonly<Record<string, Choice>> = {
  "src/api.ts": "api",
  "test/api.test.ts": "api",
  "src/pages.ts": "page",
  "test/pages.test.ts": "page",
  "static/": "page",
  "views/": "page",
  "migrations/0001-note.sqlite.sql": "sqlite",
  "migrations/0001-note.mysql.sql": "mysql",
  "compose.yaml": "mysql",
  "pnpm-workspace.yaml": "pnpm",
};

/**
 * Packages and other members of package.json, which has no comments, that only one choice needs. A dependency of swagger-ui-dist
 * reports each install to its authors; two settings, for npm of today and before, keep it from that.
 */
const PACKAGES: Readonly<Record<string, Choice>> = { "swagger-ui-dist": "api" };
const MEMBERS: Readonly<Record<string, Choice>> = { allowScripts: "api", scarfSettings: "api" };

const PACKAGE_FOLDER = fileURLToPath(new URL("..", import.meta.url));

interface OwnManifest {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/**
 * The manifest of this package. Its development dependencies are the packages of the template, so the tests of this repository run
 * on them, and the packed manifest has their published versions.
 */
export const ownManifest: OwnManifest = JSON.parse(
  readFileSync(join(PACKAGE_FOLDER, "package.json"), "utf8"),
) as OwnManifest;

export function createFiles(choices: Choices): Files {
  const chosen = new Set<string>([choices.page ? "page" : "no-page", choices.database, choices.packageManager]);
  if (choices.api) chosen.add("api");
  const files = new Map<string, string>();
  const template = join(PACKAGE_FOLDER, "template");
  for (const [path, text] of readFolder(template)) {
    if (!belongs(path, chosen)) continue;
    const content = selectLines(text, chosen).replaceAll("tsgi-app", choices.name);
    files.set(path, finish(path, content, choices, chosen));
    // The values for development. Git ignores this copy.
    if (path === ".env.example") files.set(".env", content.replace(/^#.*\n\n/, ""));
  }
  return files;
}

function finish(path: string, content: string, { packageManager }: Choices, chosen: ReadonlySet<string>): string {
  if (path === "package.json") return finishManifest(content, chosen);
  return path === "README.md" ? content.replaceAll("npm run", `${packageManager} run`) : content;
}

function finishManifest(content: string, chosen: ReadonlySet<string>): string {
  const manifest = JSON.parse(content) as Record<string, unknown>;
  for (const [member, choice] of Object.entries(MEMBERS)) if (!chosen.has(choice)) delete manifest[member];
  for (const kind of ["dependencies", "devDependencies"]) {
    const names = Object.keys(manifest[kind] as object).filter((name) => isChosen(PACKAGES[name], chosen));
    manifest[kind] = Object.fromEntries(names.map((name) => [name, ownManifest.devDependencies[name]]));
  }
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The files of a folder, in the order of their paths. */
function readFolder(folder: string): readonly (readonly [path: string, text: string])[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return paths.toSorted().map((path) => {
    const text = readFileSync(join(folder, path), "utf8").replaceAll("\r\n", "\n");
    // npm packs no file of this name.
    return [path === "_gitignore" ? ".gitignore" : path.replaceAll("\\", "/"), text];
  });
}

function belongs(path: string, chosen: ReadonlySet<string>): boolean {
  const folder = path.slice(0, path.indexOf("/") + 1);
  return isChosen(ONLY[path] ?? ONLY[folder], chosen);
}

/** @param choice undefined for what every application has. */
function isChosen(choice: Choice | undefined, chosen: ReadonlySet<string>): boolean {
  return choice === undefined || chosen.has(choice);
}

const MARK = /[ \t]*(?:\/\/|#|--|<!--) only: ([a-z -]+?)(?: -->)?$/;

/** Leaves out the marked lines of other choices, and the marks. */
export function selectLines(text: string, chosen: ReadonlySet<string>): string {
  const kept: string[] = [];
  let skips = false;
  for (const line of text.split("\n")) {
    const mark = MARK.exec(line);
    const keeps = mark?.[1]?.split(" ").some((choice) => chosen.has(choice)) ?? true;
    if (mark?.index === 0) skips = !keeps;
    else if (skips) skips = line !== "";
    else if (keeps) kept.push(line.slice(0, mark?.index));
  }
  return kept.join("\n");
}
