/** Runs each program of README.md in a process of its own, sends it the requests of the block below it, and compares the answers. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");
const programs = [...readme.matchAll(/```ts\n([^]*?)```\n\n```text\n([^]*?)```/g)];

test("each program of README.md comes with its answers, and the first is short", () => {
  expect(programs.length).toBe(readme.match(/^```ts$/gm)?.length);
  expect(programs[0]?.[1]?.trim().split("\n").length).toBeLessThanOrEqual(10);
});

test.each(programs.map(([, code = "", transcript = ""], index) => [index + 1, code, transcript] as const))(
  "program %i of README.md answers what it says",
  (_number, code, transcript) => {
    const requests = transcript.match(/^GET .*$/gm) ?? [];
    const driver = `
      import { createTestClient } from "@tsgi/gateway-spec/testing";
      const client = await createTestClient(app);
      for (const line of ${JSON.stringify(requests)}) {
        console.log(line + "\\n" + (await client.request(line.slice(4))).text());
      }`;
    const { code: program } = transformSync(code + driver, { loader: "ts", target: "es2024" });
    const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
    const run = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.stdout).toBe(transcript);
  },
);
