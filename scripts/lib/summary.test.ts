import { expect, test } from "vitest";

import { countTests, summaryLine } from "./summary.ts";

const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1, testResults: [] };

test("counts todo as skipped", () => {
  expect(summaryLine(countTests(report))).toBe("tests: 3 passed, 1 failed, 3 skipped");
});

test("counts a file that could not be loaded as a failure", () => {
  const testResults = [
    { status: "failed", assertionResults: [] },
    { status: "failed", assertionResults: [{}] },
    { status: "passed", assertionResults: [] },
  ];
  expect(countTests({ ...report, testResults })).toMatchObject({ failed: 2 });
});

test("no report is a failure", () => {
  expect(summaryLine(countTests(null))).toBe("tests: 0 passed, 1 failed, 0 skipped");
});
