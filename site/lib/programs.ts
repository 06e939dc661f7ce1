/** A page for each program of `examples/`, so that the pages about them can link to their text. */
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { ROOT, pageOf } from "./pages.ts";

const LANGUAGES: Readonly<Record<string, string>> = { ".conf": "nginx", ".py": "python", ".ts": "ts" };

/** Writes the pages to a folder. */
export async function writePrograms(folder: string): Promise<void> {
  for (const name of await readdir(join(ROOT, "examples"), { recursive: true })) {
    const file = `examples/${name.replaceAll("\\", "/")}`;
    const page = name.includes("node_modules") || file.endsWith(".md") ? null : pageOf(file);
    if (page === null) continue;
    const text = await readFile(join(ROOT, file), "utf8");
    await mkdir(dirname(join(folder, page)), { recursive: true });
    const block = `\`\`\`\`${LANGUAGES[extname(file)]}\n${text}\`\`\`\`\n`;
    await writeFile(
      join(folder, page),
      `---\npageClass: program\naside: false\neditLink: false\n---\n\n# ${file.slice("examples/".length)}\n\n${block}`,
    );
  }
}
