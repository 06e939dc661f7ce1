/** Runs each program of README.md as its reader would, on a free port: one that serves responds, and any other one ends without an error. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import { afterEach, beforeEach, expect, onTestFailed, test } from "vitest";

const root = new URL("../", import.meta.url);
const programs = Array.from(
  readFileSync(new URL("README.md", root), "utf8").matchAll(/^```ts\n([^]*?)^```$/gm),
  ([, code = ""]) => code,
);

let folder: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-readme-"));
  mkdirSync(join(folder, "public"));
  writeFileSync(join(folder, "public/index.html"), "<h1>Hello</h1>");
  writeFileSync(join(folder, "reports.ts"), "export const yearly = ({ year }: { year: number }) => ({ year });\n");
});
afterEach(async () => {
  if (child?.exitCode === null && child.signalCode === null) {
    const closed = once(child, "close");
    child.kill();
    await closed;
  }
  await rm(folder, { recursive: true });
});

test.each(programs.map((code, index) => [index + 1, code] as const))(
  "program %i of README.md runs",
  async (_number, code) => {
    // Imports are resolved in the package; the working directory has the files.
    const url = JSON.stringify(pathToFileURL(join(folder, "app.ts")).href);
    const adapted = code.replace("port: 7788", "port: 0").replace("import.meta.url", url);
    const { code: lowered } = transformSync(adapted, { loader: "ts", target: "es2024" });
    const program = `process.chdir(${JSON.stringify(folder)});\n${lowered}`;
    child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program],
      {
        cwd: fileURLToPath(root),
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    onTestFailed(() => {
      console.log(`The program has printed:\n${output}`);
    });
    const printed = Promise.withResolvers<string | null>();
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const found = /https?:\/\/127\.0\.0\.1:\d+\//.exec(output)?.[0];
        if (found !== undefined) printed.resolve(found);
      });
    }
    child.once("close", () => printed.resolve(null));
    const address = await printed.promise;
    expect(address !== null).toBe(code.includes("serve("));
    if (address === null) expect([child.exitCode, output]).toEqual([0, ""]);
    else expect(await statusOf(address)).toBe(200);
  },
);

/** Also of a certificate that no client trusts. */
async function statusOf(url: string): Promise<number | undefined> {
  if (url.startsWith("http:")) return (await fetch(url)).status;
  const [response] = (await once(get(url, { rejectUnauthorized: false, agent: false }), "response")) as [
    { readonly statusCode?: number; resume(): void },
  ];
  response.resume();
  return response.statusCode;
}
