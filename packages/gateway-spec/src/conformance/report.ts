/** The output of the kit: plain lines for people; TAP 14, JSON and JUnit XML for programs. */
import { inspect } from "node:util";
import { type CaseResult, labelOf } from "./run.ts";
import type { Protocol } from "./wire.ts";

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
  result: (result, number) => {
    const {
      case: { rules, title },
      outcome,
    } = result;
    const description = `${number} - ${labelOf(result)}: ${title}`.replaceAll("#", "\\#");
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
  result: (result) => {
    const {
      case: { rules, title },
      outcome,
    } = result;
    const label = labelOf(result);
    if (outcome.kind === "passed") return `passed   ${label}\n`;
    if (outcome.kind === "skipped") return `skipped  ${label}: ${outcome.reason}\n`;
    const lines = [`${rules.join(", ")}: ${title}`, ...explain(outcome.error).split("\n")];
    return `FAILED   ${label}\n${lines.map((line) => `           ${line}\n`).join("")}`;
  },
  stop: (reason) => `STOPPED  ${reason}\n`,
  end: (counts) => `${summary(counts)}\n`,
};

interface Reported {
  readonly name: string;
  readonly protocol: Protocol;
  readonly rules: readonly string[];
  readonly title: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly message?: string;
}

function reported({ case: { name, rules, title }, protocol, outcome }: CaseResult): Reported {
  const what = { name, protocol, rules, title, outcome: outcome.kind };
  if (outcome.kind === "passed") return what;
  return { ...what, message: outcome.kind === "skipped" ? outcome.reason : explain(outcome.error) };
}

/** One object at the end: `{ passed, failed, skipped, stopped, cases: [{ name, protocol, rules, title, outcome, message }] }`. */
function json(): Format {
  const cases: Reported[] = [];
  let stopped: string | null = null;
  return {
    begin: () => "",
    result: (result) => {
      cases.push(reported(result));
      return "";
    },
    stop: (reason) => {
      stopped = reason;
      return "";
    },
    end: (counts) => `${JSON.stringify({ ...counts, stopped, cases }, null, 2)}\n`,
  };
}

/** One test suite at the end, with a test case for each case, as build servers read it. */
function junit(): Format {
  const lines: string[] = [];
  let stopped = "";
  return {
    begin: () => "",
    result: (result) => {
      const { rules, title, outcome, message = "" } = reported(result);
      const name = quoted(`${labelOf(result)}: ${title}`);
      const open = `  <testcase classname=${quoted(rules.join(" "))} name=${name}`;
      const [summary = ""] = message.split("\n");
      if (outcome === "passed") lines.push(`${open}/>`);
      else if (outcome === "skipped") lines.push(`${open}><skipped message=${quoted(summary)}/></testcase>`);
      else lines.push(`${open}><failure message=${quoted(summary)}>${escaped(message)}</failure></testcase>`);
      return "";
    },
    stop: (reason) => {
      stopped = `  <system-err>${escaped(reason)}</system-err>\n`;
      return "";
    },
    end: ({ failed, skipped }) =>
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
      `<testsuite name="tsgi-conformance" tests="${lines.length}" failures="${failed}" skipped="${skipped}">\n` +
      `${lines.map((line) => `${line}\n`).join("")}${stopped}</testsuite>\n`,
  };
}

/** Characters that XML 1.0 does not permit are left out, such as the escape character of colours. */
function escaped(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
  );
}

function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', "&quot;").replaceAll("\n", "&#10;")}"`;
}

/** Each call begins a report. */
export const FORMATS: Readonly<Record<"plain" | "tap" | "json" | "junit", () => Format>> = {
  plain: () => plain,
  tap: () => tap,
  json,
  junit,
};

export function summary({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The message of a failed expectation. Anything else was thrown by the server, so its stack is printed. */
export function explain(error: unknown): string {
  return error instanceof Error && "code" in error && error.code === "CONFORMANCE_FAILED"
    ? error.message
    : inspect(error);
}
