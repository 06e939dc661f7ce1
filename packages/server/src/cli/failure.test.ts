import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { describePlace, readFailure } from "./failure.ts";

/** A file that exists. */
const FILE = fileURLToPath(import.meta.url);
const URL_OF_FILE = import.meta.url;

describe("the message and the place of", () => {
  test.each([
    [
      "a syntax error that node prints",
      `${URL_OF_FILE}:2\nexport const b = ;\n                 ^\n\nSyntaxError: Unexpected token ';'\n    at compile (node:internal/modules/esm/utils:355:16)\n\nNode.js v26.10.0\n`,
      "SyntaxError: Unexpected token ';'",
      [2, 18],
    ],
    [
      "a syntax error that esbuild finds",
      `tsgi: ${FILE}:2:17: ERROR: Unexpected ";"\n`,
      'SyntaxError: Unexpected ";"',
      [2, 18],
    ],
    [
      "an export that does not exist",
      `${URL_OF_FILE}:1\nimport { nope } from "./b.ts";\n         ^^^^\nSyntaxError: The requested module './b.ts' does not provide an export named 'nope'\n    at #asyncInstantiate (node:internal/modules/esm/module_job:463:21)\n`,
      "SyntaxError: The requested module './b.ts' does not provide an export named 'nope'",
      [1, 10],
    ],
    [
      "an error with its stack, in colours",
      `\u001b[31m${URL_OF_FILE}:7\nthrow new TypeError("a bug");\n      ^\u001b[39m\n\nTypeError: a bug\n    at ${URL_OF_FILE}:7:7\n    at ModuleJob.run (node:internal/modules/esm/module_job:569:25)\n`,
      "TypeError: a bug",
      [7, 7],
    ],
    [
      "an error of several lines in a package, by the first frame of the user",
      `warning: before it\n\nError: one\ntwo\n    at f (/app/node_modules/x/y.js:1:2)\n    at async ${URL_OF_FILE}:9:3 {\n  code: 'E'\n}\n`,
      "Error: one\ntwo",
      [9, 3],
    ],
    [
      "an uncaught exception",
      `tsgi: an uncaught exception ends this worker: RangeError: late\n    at Timeout._onTimeout (${FILE}:4:5)\n`,
      "RangeError: late",
      [4, 5],
    ],
    [
      "a line of the command",
      "something\ntsgi: The database is unreachable: start it\n",
      "The database is unreachable: start it",
      null,
    ],
    ["a program that says why it exits", "DATABASE_URL is not set\n", "DATABASE_URL is not set", null],
    ["a process that says nothing", "\n", "The application ended (exit code 3)", null],
    ["a file that does not exist", "Error: x\n    at /no/such/file.ts:1:2\n", "Error: x", null],
  ])("%s", (_what, output, message, position) => {
    const failure = readFailure("exit code 3", output);
    expect([failure.message, failure.place]).toEqual([
      message,
      position === null ? null : { file: FILE, line: position[0], column: position[1] },
    ]);
  });
});

test("a place is shown relative to the folder that it is in", () => {
  expect(describePlace({ file: "/app/src/a.ts", line: 1, column: 2 }, "/app")).toBe("src/a.ts:1:2");
  expect(describePlace({ file: "/lib/a.ts", line: 1, column: null }, "/app")).toBe("/lib/a.ts:1");
});
