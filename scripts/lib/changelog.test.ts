import { expect, test } from "vitest";

import { type Changeset, changelogSection, withSection } from "./changelog.ts";

function changeset(summary: string, ...types: readonly ("major" | "minor" | "patch" | "none")[]): Changeset {
  return { summary, releases: types.map((type, index) => ({ name: `package-${index}`, type })) };
}

test("a section has the contract and security first, then changes by their size", () => {
  const section = changelogSection("2.0.0", [
    changeset("A client that closes early is no error.", "patch"),
    changeset("`serve` takes `backlog`.\n\nThe default is 511.", "minor", "patch"),
    changeset("security: Static files follow no junction.", "patch"),
    changeset("contract: A handler may return trailers.", "minor"),
    changeset("`App` needs a name.", "major", "minor"),
    changeset("A test.", "none"),
    changeset("Nothing to release."),
  ]);
  expect(section).toBe(`## 2.0.0

### The contract

- A handler may return trailers.

### Security

- Static files follow no junction.

### Changed incompatibly

- \`App\` needs a name.

### Added

- \`serve\` takes \`backlog\`.

  The default is 511.

### Fixed

- A client that closes early is no error.

`);
});

test("a new section stands in front of the latest one", () => {
  const changelog = "# Changelog\n\nIntroduction.\n\n## 0.1.0\n\n- First.\n";
  const section = "## 0.2.0\n\n### Fixed\n\n- A.\n\n";
  expect(withSection(changelog, section)).toBe(
    "# Changelog\n\nIntroduction.\n\n## 0.2.0\n\n### Fixed\n\n- A.\n\n## 0.1.0\n\n- First.\n",
  );
  expect(() => withSection(withSection(changelog, section), section)).toThrow('CHANGELOG.md has "## 0.2.0" already');
});
