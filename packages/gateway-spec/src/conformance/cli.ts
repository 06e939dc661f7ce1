#!/usr/bin/env node
import { runCommand } from "./command.ts";

const code = await runCommand(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
process.exitCode = code;
// A failed server may have left a listener or a timer open. The output is flushed first.
process.stdout.write("", () => process.exit());
