/** The API reference: one page of Markdown for each entry of the published packages, by TypeDoc from the doc comments. */
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Application, type Comment, type DeclarationReflection, type TypeDocOptions } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import { listEntries } from "./entries.ts";

/** Writes the pages to a folder. Rejects where an entry or an exported name has no doc comment. */
export async function writeReference(folder: string): Promise<void> {
  const options: TypeDocOptions & Partial<PluginOptions> = {
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: listEntries().map(({ file }) => file),
    tsconfig: join(import.meta.dirname, "../tsconfig.reference.json"),
    outputs: [{ name: "markdown", path: folder }],
    logLevel: "Warn",
    readme: "none",
    // `pnpm check` does it, with TypeScript 7.
    skipErrorChecking: true,
    excludePrivate: true,
    excludeProtected: true,
    excludeInternal: true,
    excludeExternals: true,
    disableSources: true,
    groupOrder: ["Functions", "Classes", "Variables", "Interfaces", "Type Aliases", "*"],
    entryFileName: "index",
    outputFileStrategy: "modules",
    // The headings name their anchors, so that links do not depend on how the generator of the site derives them.
    useCustomAnchors: true,
    customAnchorsFormat: "curlyBrace",
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    expandObjects: true,
    expandParameters: true,
    parametersFormat: "htmlTable",
    interfacePropertiesFormat: "htmlTable",
    classPropertiesFormat: "htmlTable",
    typeAliasPropertiesFormat: "htmlTable",
    propertyMembersFormat: "htmlTable",
    typeDeclarationFormat: "htmlTable",
    tableColumnSettings: { hideInherited: true, hideModifiers: true, hideOverrides: true, hideSources: true },
  };
  const app = await Application.bootstrapWithPlugins(options);
  const project = await app.convert();
  if (project === undefined) throw new Error("TypeDoc cannot read the sources of the packages");
  const entries = project.children ?? [];
  const problems = findProblems(entries);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  const index = entries.map(({ name, comment }) => `| [\`${name}\`](${name}.md) | ${firstSentence(comment)} |\n`);
  await app.generateOutputs(project);
  await completePages(folder);
  await writeFile(join(folder, "index.md"), `${INDEX}${index.join("")}`);
}

/** The style sheet wraps the signatures of these pages. No file of the repository has their text. */
const FRONT_MATTER = "---\npageClass: reference\neditLink: false\n---\n\n";

const INDEX = `${FRONT_MATTER}# API reference

Every public name of the packages, by the entry that exports it. The pages are generated from the doc comments of the sources.

| entry | it has |
|---|---|
`;

/** Adds the front matter, and removes the number of an entry's file whose name is also that of an export of another entry. */
async function completePages(folder: string): Promise<void> {
  for (const file of (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".md"))) {
    const path = join(folder, file);
    const text = await readFile(path, "utf8");
    await rm(path);
    const page = text
      .replaceAll(/-1\.md(?=[)#])/g, ".md")
      // A wide table scrolls, also by the keys.
      .replaceAll(/^<table>$/gm, '<table tabindex="0">');
    await writeFile(path.replace(/-1\.md$/, ".md"), FRONT_MATTER + page, { flag: "wx" });
  }
}

function firstSentence(comment: Comment | undefined): string {
  const text = (comment?.summary ?? []).map((part) => part.text).join("");
  return /^[^]*?\.(?=\s|$)/.exec(text)?.[0].replaceAll("\n", " ") ?? text;
}

function findProblems(entries: readonly DeclarationReflection[]): readonly string[] {
  const unnamed = listEntries()
    .filter(({ name }) => entries.every((entry) => entry.name !== name))
    .map(({ name, file }) => `${file}: the first comment needs the line "@module ${name}"`);
  const undocumented = entries.flatMap(({ name, children = [] }) =>
    children
      // A reference is a name of another entry, and documented there.
      .filter((exported) => !exported.isReference() && !isDocumented(exported))
      .map((exported) => `${name}: "${exported.name}" needs a doc comment`),
  );
  return [...unnamed, ...undocumented];
}

function isDocumented(reflection: DeclarationReflection): boolean {
  const { type, signatures = [] } = reflection;
  const functionType = type?.type === "reflection" ? (type.declaration.signatures ?? []) : [];
  return [reflection, ...signatures, ...functionType].some(
    (one) => one.comment !== undefined && one.comment.summary.length > 0,
  );
}
