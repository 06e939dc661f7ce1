import { expect, test } from "vitest";
import { tooOldNode } from "./node-version.ts";

test.each(["22.18.0", "22.20.1", "24.0.0", "26.10.0"])("Node %s is new enough", (version) => {
  expect(tooOldNode(version)).toBeNull();
});

test.each(["20.19.0", "22.13.0", "22.17.9"])("Node %s is too old", (version) => {
  expect(tooOldNode(version)).toBe(`create-tsgi needs Node 22.18 or newer; this is Node ${version}`);
});
