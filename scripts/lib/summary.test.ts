import { expect, test } from "vitest";

import { addCounts, countTests, summaryLine } from "./summary.ts";

const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1, testResults: [] };

test("countTests counts a todo as skipped", () => {
  expect(summaryLine(countTests(report))).toBe("tests: 3 passed, 1 failed, 3 skipped");
});

test("countTests counts a file that failed to load as a failure", () => {
  const testResults = [
    { status: "failed", assertionResults: [] },
    { status: "failed", assertionResults: [{}] },
    { status: "passed", assertionResults: [] },
  ];
  expect(countTests({ ...report, testResults })).toMatchObject({ failed: 2 });
});

test("countTests counts a missing report as a failure", () => {
  expect(summaryLine(countTests(null))).toBe("tests: 0 passed, 1 failed, 0 skipped");
});

test("addCounts adds the counts of two runs", () => {
  const counts = addCounts({ passed: 3, failed: 1, skipped: 0 }, { passed: 4, failed: 0, skipped: 2 });
  expect(summaryLine(counts)).toBe("tests: 7 passed, 1 failed, 2 skipped");
});
