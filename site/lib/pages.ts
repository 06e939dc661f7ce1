/** The pages of the site: which files of the repository are pages, under which path, and in which order. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

export const ROOT: string = join(import.meta.dirname, "../..");

/** The pages that the build writes, relative to the repository: the API reference, and the programs of `examples/`. */
export const GENERATED: string = "site/generated";

/** The programs that have a page each. */
const PROGRAM = /^examples\/(?:[\w-]+\/)?[\w-]+\.(?:ts|py|conf)$/;

/** Files that are pages beside those of `docs/` and of the site itself. */
const PAGES: Readonly<Record<string, string>> = {
  "README.md": "index.md",
  "CHANGELOG.md": "changelog.md",
  "CONTRIBUTING.md": "contributing.md",
  "SECURITY.md": "security-policy.md",
  "bench/README.md": "benchmarks.md",
  "examples/README.md": "examples.md",
  "packages/gateway-spec/SPEC.md": "spec.md",
};

/** Gives the page of a Markdown file, such as `tutorial/index.md`, or `null` where the file is not a page. */
export function pageOf(file: string): string | null {
  const known = PAGES[file];
  if (known !== undefined) return known;
  const [, readme] = /^packages\/([^/]+)\/README\.md$/.exec(file) ?? [];
  if (readme !== undefined) return `packages/${readme}.md`;
  if (file.startsWith(`${GENERATED}/`)) return file.slice(GENERATED.length + 1).replace("@tsgi/", "");
  if (PROGRAM.test(file)) return `${file}.md`;
  if (file.startsWith("site/pages/")) return file.slice("site/pages/".length);
  if (!file.startsWith("docs/") || !file.endsWith(".md")) return null;
  const page = file.slice("docs/".length);
  const [, translated] = /^(.+)\.zh\.md$/.exec(page) ?? [];
  if (translated !== undefined) return translated === "README" ? "zh/contents.md" : `zh/${translated}.md`;
  return page === "README.md" ? "contents.md" : page.replace(/(^|\/)README\.md$/, "$1index.md");
}

/** A link of a table of contents, with the links that are indented below it. */
export interface Item {
  readonly text: string;
  /** The path of a file of the repository, or a URL. */
  readonly target: string;
  readonly items: readonly Item[];
}

/** The links below one heading. */
export interface Group {
  readonly text: string;
  readonly items: readonly Item[];
}

/**
 * Reads a table of contents: second-level headings with lists, and the first link of each list item. Items may be indented by two
 * spaces, one level deep.
 *
 * @param file the path of the Markdown file in the repository.
 */
export function readContents(file: string): readonly Group[] {
  const groups: { text: string; items: { text: string; target: string; items: Item[] }[] }[] = [];
  for (const line of readFileSync(join(ROOT, file), "utf8").split("\n")) {
    const [, heading] = /^## (.+)$/.exec(line) ?? [];
    if (heading !== undefined) groups.push({ text: heading, items: [] });
    const [, indent, text, link] = /^( {2})?- \[((?:[^\]`]|`[^`]*`)+)\]\(([^)]+)\)/.exec(line) ?? [];
    const items = groups.at(-1)?.items;
    if (items === undefined || text === undefined || link === undefined) continue;
    const target = /^[a-z]+:/.test(link) ? link : posix.join(posix.dirname(file), link);
    const item = { text: text.replaceAll("`", ""), target, items: [] };
    if (indent === undefined) items.push(item);
    else items.at(-1)?.items.push(item);
  }
  return groups;
}

/** What a relative link of a Markdown file leads to. */
export type Target =
  | { readonly kind: "page"; readonly page: string; readonly hash: string }
  | { readonly kind: "file"; readonly path: string; readonly isFolder: boolean }
  | { readonly kind: "missing" };

/** Resolves a relative link of a file of the repository. A link to a folder leads to its README if that is a page. */
export function resolveLink(file: string, link: string): Target {
  const [path = "", fragment] = link.split("#");
  const hash = fragment === undefined ? "" : `#${fragment}`;
  const target = path === "" ? file : posix.join(posix.dirname(file), decodeURI(path)).replace(/\/$/, "");
  if (target.startsWith("..") || !existsSync(join(ROOT, target))) return { kind: "missing" };
  const isFolder = statSync(join(ROOT, target)).isDirectory();
  const page = pageOf(isFolder ? `${target}/README.md` : target);
  if (page === null || (isFolder && !existsSync(join(ROOT, target, "README.md"))))
    return { kind: "file", path: target, isFolder };
  return { kind: "page", page, hash };
}

/** The anchor that GitHub derives from a heading. */
export function slugify(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
