/** The guides for application authors do what they say: their files compile, and their commands print the output that is shown. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GuideRunner, matches, readGuide } from "./lib/guide.ts";

const DOCS = join(import.meta.dirname, "../docs");

/** A page starts a server for each version of its application. */
const PAGE_TIMEOUT_MS = 180_000;

/** Each has a folder of its own; the pages of one guide follow each other in the same folder. */
const GUIDES: Readonly<Record<string, readonly string[]>> = {
  recipes: ["recipes.md"],
  views: ["views.md"],
  database: ["database.md"],
  api: ["api.md"],
  uploads: ["uploads.md"],
  live: ["live.md"],
  scaling: ["scaling.md"],
  security: ["security.md"],
  tutorial: readdirSync(join(DOCS, "tutorial"))
    .filter((name) => /^\d/.test(name))
    .toSorted()
    .map((name) => `tutorial/${name}`),
};

describe.each(Object.entries(GUIDES))("the guide %s", (_name, pages) => {
  let folder: string;
  let runner: GuideRunner;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tsgi-guide-"));
    runner = new GuideRunner(folder);
  });
  afterAll(async () => {
    await runner.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(pages)(
    "%s: every command prints what the page shows, and the files compile",
    { timeout: PAGE_TIMEOUT_MS },
    async (page) => {
      const markdown = await readFile(join(DOCS, page), "utf8");
      for (const step of readGuide(markdown)) {
        const output = await runner.run(step);
        if (step.kind === "command" && !matches(step.output, output)) {
          // The comparison shows the difference.
          expect(output.trimEnd(), `docs/${page}:${step.line}: ${step.command}`).toBe(step.output.trimEnd());
        }
      }
      expect(runner.check()).toBe("");
    },
  );

  test.each(pages)("%s: every program is a file", async (page) => {
    const markdown = await readFile(join(DOCS, page), "utf8");
    expect(markdown.match(/^```(?:ts|html|sql)$/gm)).toBeNull();
  });
});
