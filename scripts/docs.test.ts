/** The documents agree with the repository: links resolve, tables match the code, and every page is listed. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { slugify } from "../site/lib/pages.ts";
import { DEFAULT_LIMITS, DEFAULT_SHUTDOWN_TIMEOUT_MS } from "../packages/server/src/options.ts";

const ROOT = join(import.meta.dirname, "..");
/** Folders without documents of the repository. */
const NOT_OURS = /^(?:\.|node_modules$|dist$|generated$)/;
const documents = markdownFiles(ROOT).map((file) => relative(ROOT, file));

test.each(documents)("every link of %s resolves to a file, and its anchor to a heading", (document) => {
  expect(brokenLinks(document)).toEqual([]);
});

test("the README has the two commands verbatim, and the manifest has the scripts that they run", () => {
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

test("docs/README.md lists every page of docs/ except single decision records", () => {
  const links = [...read("docs/README.md").matchAll(/\]\(([^)#]+)/g)].map(([, link = ""]) => join("docs", link));
  const linked = new Set(links);
  const pages = documents.filter((document) => /^docs\/(?!decisions\/\d|README)/.test(document));
  expect(pages.filter((page) => !linked.has(page))).toEqual([]);
});

describe("server-behavior.md", () => {
  const page = read("docs/server-behavior.md");

  test("lists each limit with its default", () => {
    const rows = [...page.matchAll(/^\| `(\w+(?:Bytes|Ms|Fields|Connections|Client|Connection))` \| (\w+) \|/gm)];
    const documented = rows.map(([, name, value]) => [
      name,
      value === "none" ? Number.POSITIVE_INFINITY : Number(value),
    ]);
    expect(Object.fromEntries(documented)).toEqual(DEFAULT_LIMITS);
    expect(page).toContain(`\`shutdownTimeoutMs\` (default ${DEFAULT_SHUTDOWN_TIMEOUT_MS.toLocaleString("en")})`);
  });

  test("lists each code of a rejected request with its status", () => {
    const documented = [...page.matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm)].map(
      ([, status, code]) => `${code}: ${status}`,
    );
    const source = read("packages/server/src/http1/errors.ts");
    const known = [...source.matchAll(/^ {2}([A-Z_]+): (\d{3}),$/gm)].map(([, code, status]) => `${code}: ${status}`);
    expect(known.length).toBeGreaterThan(0);
    expect(documented.toSorted()).toEqual(known.toSorted());
  });
});

describe("decision records", () => {
  const records = readdirSync(join(ROOT, "docs/decisions")).filter((name) => name !== "README.md");

  test("have unique numbers, and the index lists them by their titles", () => {
    const numbers = records.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1] ?? name);
    expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
    const listed = [...read("docs/decisions/README.md").matchAll(/^- \[(.+)\]\((\d{4}[^)]+)\)/gm)];
    const titles = records.map((name) => `${name} ${/^# (.+)$/m.exec(read(`docs/decisions/${name}`))?.[1]}`);
    expect(listed.map(([, title, name]) => `${name} ${title}`).toSorted()).toEqual(titles.toSorted());
  });

  test.each(records)("%s has a context, a decision and its consequences", (name) => {
    const headings = [...read(`docs/decisions/${name}`).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(["Context", "Decision", "Consequences"]);
  });
});

function markdownFiles(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.test(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

function readManifest(path: string): { name?: string; scripts?: Readonly<Record<string, string>> } {
  return JSON.parse(read(path)) as ReturnType<typeof readManifest>;
}

/** The relative links of a document that do not resolve. */
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

/** Removes code blocks and code spans, where a link has no meaning. */
function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, "").replaceAll(/(?<!\[)`[^`\n]*`(?!\])/g, "");
}

function anchors(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => slugify(heading));
}
