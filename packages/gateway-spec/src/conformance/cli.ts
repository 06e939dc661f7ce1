#!/usr/bin/env node
import { runCommand } from "./command.ts";

const code = await runCommand(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
process.exitCode = code;
// A server that failed may have left a listener or a timer behind; what was printed goes out first.
process.stdout.write("", () => process.exit());
