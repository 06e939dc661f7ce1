import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { OLDEST_NODE, tooOldNode } from "./node-version.ts";

test("the oldest version is that of the package's engines", async () => {
  const manifest = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly engines: { readonly node: string };
  };
  expect(manifest.engines.node).toBe(`>=${OLDEST_NODE}`);
});

test.each(["22.13.0", "22.20.1", "24.0.0", "26.10.0"])("Node %s is new enough", (version) => {
  expect(tooOldNode(version)).toBeNull();
});

test.each(["18.20.8", "20.19.0", "22.12.0"])("Node %s is too old", (version) => {
  expect(tooOldNode(version)).toBe(`tsgi needs Node 22.13 or newer; this is Node ${version}`);
});
