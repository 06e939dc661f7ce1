/**
 * Runs each program of README.md in a process of its own, sends it the requests of the block below it, and compares the responses:
 * `METHOD /path content`, then the status with the content, or with the location of a redirect.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { compile } from "../test/compile.ts";

const root = new URL("../", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");
const programs = [...readme.matchAll(/```ts\n([^]*?)```\n\n```text\n([^]*?)```/g)];

test("each program of README.md comes with its responses, and the first is short", () => {
  expect(programs.length).toBe(readme.match(/^```ts$/gm)?.length);
  expect(programs[0]?.[1]?.trim().split("\n").length).toBeLessThanOrEqual(10);
});

test("the programs of README.md compile", async () => {
  await compile(Object.fromEntries(programs.map(([, code = ""], index) => [`program${index + 1}.ts`, code])));
});

test.concurrent.each(programs.map(([, code = "", transcript = ""], index) => [index + 1, code, transcript] as const))(
  "program %i of README.md sends the responses below it",
  async (_number, code, transcript) => {
    const requests = transcript.match(/^[A-Z]+ \/.*$/gm) ?? [];
    const driver = `
      import { createTestClient } from "@tsgi/gateway-spec/testing";
      const client = await createTestClient(app);
      for (const line of ${JSON.stringify(requests)}) {
        const [method, path, body] = line.split(/ (.*?)(?: |$)(.*)/s);
        const headers = { "content-type": "application/json" };
        const response = await client.request(path, { method, ...(body === "" ? {} : { headers, body }) });
        console.log(line + "\\n" + response.status + " " + (response.headers.get("location") ?? response.text()));
      }`;
    const { code: program } = transformSync(code + driver, { loader: "ts", target: "es2024" });
    const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(root) });
    expect(stderr).toBe("");
    expect(stdout).toBe(transcript);
  },
);
