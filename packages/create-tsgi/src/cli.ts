#!/usr/bin/env node
import { tooOldNode } from "./node-version.ts";

const problem = tooOldNode(process.versions.node);
if (problem === null) {
  // Not a static import, which could fail on an older Node before the version is checked.
  const { main } = await import("./main.ts");
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
