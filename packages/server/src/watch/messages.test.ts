import { expect, test } from "vitest";
import { reportedFiles } from "./messages.ts";

test("of node's reports, files that are not of packages count", () => {
  expect(
    reportedFiles({
      "watch:import": ["node:fs", "file:///app/a%20b.ts?x=1", "file:///app/node_modules/x/index.js"],
      "watch:require": [null, undefined, "/app/c.cjs", "fs", "/app/node_modules/x/index.js"],
    }),
  ).toEqual(["/app/a b.ts", "/app/c.cjs"]);
  expect(reportedFiles({ "watch:import": undefined, "watch:require": undefined })).toEqual([]);
});
