/** The environment of the processes under `--watch`. */
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";

/** A stream of node:tty, or another one. */
interface Terminal {
  readonly isTTY?: boolean;
  getColorDepth?(): number;
}

/** The files of node's `--env-file` and `--env-file-if-exists`, as they were given. */
export function envFiles(execArgv: readonly string[]): readonly string[] {
  return execArgv.flatMap((argument, i) => {
    const [, inline] = /^--env-file(?:-if-exists)?=(.*)$/.exec(argument) ?? [];
    if (inline !== undefined) return [inline];
    return /^--env-file(?:-if-exists)?$/.test(argument) ? [execArgv[i + 1] ?? ""] : [];
  });
}

/**
 * Without what came from these files: node keeps a variable that is set, so the next process would not see that the file has changed.
 * Errors keep their colours, which a process with a pipe in place of a terminal would leave out.
 */
export function childEnvironment(
  environment: NodeJS.ProcessEnv,
  files: readonly string[],
  terminal: Terminal,
): NodeJS.ProcessEnv {
  const own: NodeJS.ProcessEnv = { NODE_ENV: "development", ...environment };
  for (const [name, value] of files.flatMap(readVariables)) if (own[name] === value) delete own[name];
  if (terminal.isTTY === true && own["NO_COLOR"] === undefined) own["FORCE_COLOR"] ??= colorLevel(terminal);
  return own;
}

function readVariables(file: string): readonly [string, string | undefined][] {
  try {
    return Object.entries(parseEnv(readFileSync(file, "utf8")));
  } catch {
    return []; // Node itself reports it, unless the file may be absent.
  }
}

/** https://nodejs.org/api/tty.html, `getColorDepth`: 1, 4, 8 or 24 bits. */
function colorLevel(terminal: Terminal): string {
  const bits = terminal.getColorDepth?.() ?? 1;
  return String(bits >= 24 ? 3 : bits >= 8 ? 2 : bits >= 4 ? 1 : 0);
}
