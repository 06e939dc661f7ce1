#!/usr/bin/env node
import { tooOldNode } from "./cli/node-version.ts";

const problem = tooOldNode(process.versions.node);
if (problem === null) {
  // Not static imports, which could fail on an older Node before the version is checked.
  const { keepCompiledCode } = await import("./cli/compile-cache.ts");
  keepCompiledCode(process.cwd());
  const { main } = await import("./command.ts");
  await main(process.argv.slice(2));
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
