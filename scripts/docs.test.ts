/** What the documents say of the repository: links lead somewhere, tables say what the code says, pages are listed. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, DEFAULT_SHUTDOWN_TIMEOUT_MS } from "../packages/server/src/options.ts";

const ROOT = join(import.meta.dirname, "..");
const documents = markdownFiles(ROOT).map((file) => relative(ROOT, file));

test.each(documents)("every link of %s leads to a file, and its anchor to a heading", (document) => {
  expect(brokenLinks(document)).toEqual([]);
});

test("the README has the two commands word for word, and the manifest has what they run", () => {
  const blocks = [...read("README.md").matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, command]) => command);
  expect(blocks).toContain("npx -y pnpm@12 dev");
  expect(blocks).toContain("npx -y pnpm@12 test");
  const { scripts } = readManifest("package.json");
  expect(Object.keys(scripts ?? {})).toEqual(expect.arrayContaining(["dev", "test"]));
});

test("the README's table has a row for each package", () => {
  const rows = [...read("README.md").matchAll(/^\| \[`([^`]+)`\]\((packages\/[^)]+)\)/gm)];
  const listed = rows.map(([, name, folder]) => `${folder} ${name}`);
  const packages = readdirSync(join(ROOT, "packages")).map((folder) => {
    const path = `packages/${folder}`;
    return `${path} ${readManifest(`${path}/package.json`).name}`;
  });
  expect(listed.toSorted()).toEqual(packages.toSorted());
});

test("the changelog's first release is the version of the packages", () => {
  const release = /^## (\d+\.\d+\.\d+)/m.exec(read("CHANGELOG.md"))?.[1];
  for (const manifest of ["package.json", ...documents.filter(isPackageReadme).map(manifestBeside)]) {
    expect([manifest, readManifest(manifest).version]).toEqual([manifest, release]);
  }
});

describe("server-behavior.md", () => {
  const page = read("docs/server-behavior.md");

  test("has each limit with its default", () => {
    const rows = [...page.matchAll(/^\| `(\w+(?:Bytes|Ms|Fields|Connections|Client|Connection))` \| (\w+) \|/gm)];
    const documented = rows.map(([, name, value]) => [
      name,
      value === "none" ? Number.POSITIVE_INFINITY : Number(value),
    ]);
    expect(Object.fromEntries(documented)).toEqual(DEFAULT_LIMITS);
    expect(page).toContain(`\`shutdownTimeoutMs\` (default ${DEFAULT_SHUTDOWN_TIMEOUT_MS.toLocaleString("en")})`);
  });

  test("has each code of a refused request with its status", () => {
    const documented = [...page.matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm)].map(
      ([, status, code]) => `${code}: ${status}`,
    );
    const source = read("packages/server/src/http1/errors.ts");
    const known = [...source.matchAll(/^ {2}([A-Z_]+): (\d{3}),$/gm)].map(([, code, status]) => `${code}: ${status}`);
    expect(known.length).toBeGreaterThan(0);
    expect(documented.toSorted()).toEqual(known.toSorted());
  });
});

describe("decision pages", () => {
  const pages = readdirSync(join(ROOT, "docs/decisions")).filter((name) => name !== "README.md");

  test("are numbered one after the other, and listed by their titles", () => {
    const numbers = pages.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1] ?? name).toSorted();
    expect(numbers).toEqual(pages.map((_, index) => String(index + 1).padStart(4, "0")));
    const listed = [...read("docs/decisions/README.md").matchAll(/^- \[(.+)\]\((\d{4}[^)]+)\)/gm)];
    const titles = pages.map((name) => `${name} ${/^# (.+)$/m.exec(read(`docs/decisions/${name}`))?.[1]}`);
    expect(listed.map(([, title, name]) => `${name} ${title}`).toSorted()).toEqual(titles.toSorted());
  });

  test.each(pages)("%s has its context, the choice and what it costs", (name) => {
    const headings = [...read(`docs/decisions/${name}`).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(["Context", "Choice", "What it costs"]);
  });
});

function markdownFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(?:\.|node_modules$|dist$)/.test(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function readManifest(path: string): { name?: string; version?: string; scripts?: Readonly<Record<string, string>> } {
  return JSON.parse(read(path)) as ReturnType<typeof readManifest>;
}

function isPackageReadme(document: string): boolean {
  return /^packages\/[^/]+\/README\.md$/.test(document);
}

function manifestBeside(document: string): string {
  return join(dirname(document), "package.json");
}

/** The relative links of a document that lead nowhere. */
function brokenLinks(document: string): readonly string[] {
  return [...withoutCode(read(document)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? document : join(dirname(document), path);
    const file = join(ROOT, target);
    if (target.startsWith("..") || !existsSync(file)) return [link];
    if (anchor === undefined) return [];
    return statSync(file).isFile() && target.endsWith(".md") && anchors(read(target)).includes(anchor) ? [] : [link];
  });
}

/** Without blocks and pieces of code, for what looks like a link there is none. */
function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, "").replaceAll(/(?<!\[)`[^`\n]*`(?!\])/g, "");
}

/** As GitHub makes them of headings. */
function anchors(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
