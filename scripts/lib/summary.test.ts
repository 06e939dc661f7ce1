import { expect, test } from "vitest";

import { addCounts, countTests, failureLines, summaryLine } from "./summary.ts";

const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1, testResults: [] };

const testResults = [
  { name: "/repository/a.test.ts", status: "failed", message: "no module\nat a.test.ts:1", assertionResults: [] },
  {
    name: "/repository/b.test.ts",
    status: "failed",
    message: "",
    assertionResults: [
      { fullName: "b adds", status: "passed", failureMessages: [] },
      { fullName: "b ends", status: "failed", failureMessages: ["Error: timed out\n    at b.test.ts:7"] },
    ],
  },
  { name: "/repository/c.test.ts", status: "passed", message: "", assertionResults: [] },
];

test("countTests counts a todo as skipped", () => {
  expect(summaryLine(countTests(report))).toBe("tests: 3 passed, 1 failed, 3 skipped");
});

test("countTests counts a file that failed to load as a failure", () => {
  expect(countTests({ ...report, testResults })).toMatchObject({ failed: 2 });
});

test("countTests counts a missing report as a failure", () => {
  expect(summaryLine(countTests(null))).toBe("tests: 0 passed, 1 failed, 0 skipped");
});

test("addCounts adds the counts of two runs", () => {
  const counts = addCounts({ passed: 3, failed: 1, skipped: 0 }, { passed: 4, failed: 0, skipped: 2 });
  expect(summaryLine(counts)).toBe("tests: 7 passed, 1 failed, 2 skipped");
});

test("failureLines names each failed test and each file that failed to load, with the first line of the error", () => {
  expect(failureLines({ ...report, testResults }, "/repository")).toEqual([
    "a.test.ts: no module",
    "b.test.ts: b ends: Error: timed out",
  ]);
  expect(failureLines(null, "/repository")).toEqual([]);
});
