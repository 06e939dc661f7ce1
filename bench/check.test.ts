import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("the check prints the cost of each server, without wrk", async () => {
  const options = ["--seconds", "0.1", "--rounds", "1", "--only", "posted,stream", "--own-load"];
  const { stdout } = await promisify(execFile)(process.execPath, [`${import.meta.dirname}/check.ts`, ...options]);
  const rows = stdout.split("\n").filter((line) => /^\| (App|fastify|node:http) \|/.test(line));
  expect(rows).toHaveLength(6);
  // CPU, two ratios, requests/s, the 99th percentile and how busy the core was.
  for (const row of rows) expect(row).toMatch(/^\| [\w:]+ \|( [\d,.]+ \|){5} \d+% \|$/);
  expect(stdout).toContain("by a client in Node");
});
