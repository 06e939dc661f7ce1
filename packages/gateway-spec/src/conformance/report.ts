/** The output of the kit: TAP 14 for programs, plain lines for people. */
import { inspect } from "node:util";
import type { CaseResult } from "./run.ts";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The text before the results, of each result, and after them; each ends with a line feed. */
export interface Format {
  readonly begin: (count: number) => string;
  /** @param number from 1. */
  readonly result: (result: CaseResult, number: number) => string;
  /** The run stops before its last case. */
  readonly stop: (reason: string) => string;
  readonly end: (counts: Counts) => string;
}

const tap: Format = {
  begin: (count) => `TAP version 14\n1..${count}\n`,
  result: ({ case: { name, rules, title }, outcome }, number) => {
    const description = `${number} - ${name}: ${title}`.replaceAll("#", "\\#");
    if (outcome.kind === "passed") return `ok ${description}\n`;
    if (outcome.kind === "skipped") return `ok ${description} # SKIP ${outcome.reason}\n`;
    const lines = explain(outcome.error).split("\n");
    return [
      `not ok ${description}`,
      "  ---",
      `  rules: [${rules.join(", ")}]`,
      "  message: |",
      ...lines.map((line) => `    ${line}`),
      "  ...",
      "",
    ].join("\n");
  },
  stop: (reason) => `Bail out! ${reason}\n`,
  end: (counts) => `# ${summary(counts)}\n`,
};

const plain: Format = {
  begin: () => "",
  result: ({ case: { name, rules, title }, outcome }) => {
    if (outcome.kind === "passed") return `passed   ${name}\n`;
    if (outcome.kind === "skipped") return `skipped  ${name}: ${outcome.reason}\n`;
    const lines = [`${rules.join(", ")}: ${title}`, ...explain(outcome.error).split("\n")];
    return `FAILED   ${name}\n${lines.map((line) => `           ${line}\n`).join("")}`;
  },
  stop: (reason) => `STOPPED  ${reason}\n`,
  end: (counts) => `${summary(counts)}\n`,
};

export const FORMATS: Readonly<Record<"tap" | "plain", Format>> = { tap, plain };

function summary({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The message of a failed expectation. Anything else was thrown by the server, so its stack is printed. */
export function explain(error: unknown): string {
  return error instanceof Error && "code" in error && error.code === "CONFORMANCE_FAILED"
    ? error.message
    : inspect(error);
}
