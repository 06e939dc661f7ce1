/** The section of a release in CHANGELOG.md, from its changesets. */

/** As `changeset status --output` writes it. */
export interface Changeset {
  readonly summary: string;
  readonly releases: readonly { readonly name: string; readonly type: "major" | "minor" | "patch" | "none" }[];
}

/** In the order of the changelog. A summary may begin with the name of a section; else the size of the change chooses it. */
const SECTIONS = [
  { title: "The contract", prefix: "contract: " },
  { title: "Security", prefix: "security: " },
  { title: "Changed incompatibly", type: "major" },
  { title: "Added", type: "minor" },
  { title: "Fixed", type: "patch" },
] as const;

const SIZES = ["major", "minor", "patch"] as const;

/** The text, with an empty line at its end. A changeset without a release, such as one for a test only, adds nothing. */
export function changelogSection(version: string, changesets: readonly Changeset[]): string {
  const lines = new Map<string, string[]>(SECTIONS.map(({ title }) => [title, []]));
  for (const { summary, releases } of changesets) {
    const size = SIZES.find((one) => releases.some(({ type }) => type === one));
    if (size === undefined) continue;
    const section = SECTIONS.find((one) => "prefix" in one && summary.startsWith(one.prefix));
    const text = section === undefined ? summary : summary.slice(summary.indexOf(": ") + 2);
    const title = section?.title ?? SECTIONS.find((one) => "type" in one && one.type === size)?.title ?? "";
    lines.get(title)?.push(`- ${text.trim().replaceAll(/\n(?=.)/g, "\n  ")}\n`);
  }
  const sections = [...lines].filter(([, items]) => items.length > 0);
  return `## ${version}\n\n${sections.map(([title, items]) => `### ${title}\n\n${items.join("")}\n`).join("")}`;
}

/** Puts a section in front of the latest one. @throws Error if the changelog has none, or the version already. */
export function withSection(changelog: string, section: string): string {
  const [heading = ""] = section.split("\n");
  if (changelog.includes(`\n${heading}\n`)) throw new Error(`CHANGELOG.md has "${heading}" already`);
  const at = changelog.indexOf("\n## ");
  if (at === -1) throw new Error("CHANGELOG.md has no section");
  return `${changelog.slice(0, at + 1)}${section}${changelog.slice(at + 1)}`;
}
