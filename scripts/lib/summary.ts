/** Counts the tests of a Vitest run, and lists those that failed, from its JSON report. */
import { relative } from "node:path";

/** The part of the report that this file reads. */
export interface JsonReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly FileReport[];
}

interface FileReport {
  /** The absolute path of the test file. */
  readonly name: string;
  readonly status: string;
  /** Why the file failed to load; empty otherwise. */
  readonly message: string;
  readonly assertionResults: readonly TestReport[];
}

interface TestReport {
  readonly fullName: string;
  readonly status: string;
  /** Each begins with the message of an error; its stack follows. */
  readonly failureMessages: readonly string[];
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** @param report null if Vitest wrote none. A test file that failed to load counts as one failure. */
export function countTests(report: JsonReport | null): Counts {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const unloaded = report.testResults.filter(failedToLoad).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloaded,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** A line for each failed test and each file that failed to load: path from `root`, name, first line of the error. */
export function failureLines(report: JsonReport | null, root: string): readonly string[] {
  return (report?.testResults ?? []).flatMap((file) => {
    const path = relative(root, file.name);
    if (failedToLoad(file)) return [`${path}: ${firstLine(file.message)}`];
    return file.assertionResults
      .filter(({ status }) => status === "failed")
      .map(({ fullName, failureMessages: [message = ""] }) => `${path}: ${fullName}: ${firstLine(message)}`);
  });
}

function failedToLoad({ status, assertionResults }: FileReport): boolean {
  return status === "failed" && assertionResults.length === 0;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

export function summaryLine({ passed, failed, skipped }: Counts): string {
  return `tests: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}
