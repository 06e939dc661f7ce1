/** Why a process of the application ended, as far as its last words say it. */
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

export interface Failure {
  /** Such as `exit code 1` or `SIGKILL`. */
  readonly how: string;
  /** The error in one line or more, or what `how` says. */
  readonly message: string;
  readonly place: Place | null;
  /** The end of what the process wrote to its standard error stream. */
  readonly output: string;
}

export interface Place {
  /** Absolute. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1; `null` where it is not known. */
  readonly column: number | null;
}

/** @param output what the process wrote, or its end. */
export function readFailure(how: string, output: string): Failure {
  const text = stripVTControlCharacters(output)
    .replaceAll(/^Node\.js v[\d.]+\s*$/gm, "")
    .trim();
  return { how, message: messageOf(text) ?? `The application ended (${how})`, place: placeOf(text), output: text };
}

/** `src/app.ts:3:17`, relative to the folder if it is in it. */
export function describePlace({ file, line, column }: Place, folder: string): string {
  const path = relative(folder, file);
  return `${path.startsWith("..") ? file : path}:${line}${column === null ? "" : `:${column}`}`;
}

/** What stands before the last stack; without one, the last line of the command, or the last line. */
function messageOf(text: string): string | null {
  const lines = text.split("\n");
  const inStack = lines.findLastIndex((line) => FRAME.test(line));
  if (inStack !== -1) {
    let end = inStack;
    while (end > 0 && FRAME.test(lines[end - 1] ?? "")) end--;
    let start = end - 1;
    while (start > 0 && !isFirstLine(lines[start] ?? "") && lines[start - 1]?.trim() !== "") start--;
    return strip(lines.slice(Math.max(start, 0), end).join("\n"));
  }
  const said = lines.findLast((line) => line.startsWith("tsgi: ")) ?? lines.at(-1) ?? "";
  return said.trim() === "" ? null : strip(said);
}

/** `TypeError: …`, `Error [ERR_MODULE_NOT_FOUND]: …`, or the line of a worker about an uncaught exception. */
function isFirstLine(line: string): boolean {
  return /^(?:tsgi: |[\w$.]*(?:Error|Exception)\b)/.test(line);
}

/** Without what the page says elsewhere: who printed it, and the place that esbuild prints before its message. */
function strip(message: string): string {
  return message
    .replace(/^tsgi: (?:an (?:uncaught exception|unhandled rejection) ends this worker: )?/, "")
    .replace(/^\S+:\d+:\d+: ERROR: /, "SyntaxError: ")
    .trim();
}

const FRAME = /^\s+at .*(?:\)|:\d+|<anonymous>)(?: \{)?$/;

/** In this order: what Node prints above a syntax error; what esbuild prints; the first frame of a stack that is a file of the user. */
function placeOf(text: string): Place | null {
  const [, file, line, caret] = /^(file:\/\/\S.*|\/.*|[A-Za-z]:\\.*):(\d+)\n.*\n( *)\^/m.exec(text) ?? [];
  const printed = toPlace(file, line, caret === undefined ? null : caret.length + 1);
  if (printed !== null) return printed;
  const [, compiled, compiledLine, compiledColumn] = /^(?:tsgi: )?(.+?):(\d+):(\d+): ERROR: /m.exec(text) ?? [];
  // esbuild counts columns from 0.
  const ofCompiler = toPlace(compiled, compiledLine, Number(compiledColumn) + 1);
  if (ofCompiler !== null) return ofCompiler;
  for (const [, path, number, column] of text.matchAll(
    /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^():]*):(\d+):(\d+)\)?(?: \{)?$/gm,
  )) {
    const place = toPlace(path, number, Number(column));
    if (place !== null) return place;
  }
  return null;
}

/** `null` for a file that does not exist or belongs to a package. */
function toPlace(path: string | undefined, line: string | undefined, column: number | null): Place | null {
  if (path === undefined || path.includes("/node_modules/")) return null;
  const file = path.startsWith("file://") ? fileURLToPath(path) : path;
  return existsSync(file) ? { file, line: Number(line), column } : null;
}
