import { expect, test } from "vitest";
import { matches, readGuide } from "./guide.ts";

test("a guide has files and commands in their order", () => {
  const page = [
    "# Title",
    "```ts app.ts",
    "export default 1;",
    "```",
    "```sh",
    "npm install",
    "```",
    "```text",
    "$ curl http://localhost/a \\",
    "  -d b=1",
    "first",
    "second",
    "$ node app.ts",
    "```",
    "",
  ].join("\n");
  expect(readGuide(page)).toEqual([
    { kind: "file", line: 2, name: "app.ts", text: "export default 1;\n" },
    { kind: "command", line: 8, command: "curl http://localhost/a    -d b=1", output: "first\nsecond\n" },
    { kind: "command", line: 8, command: "node app.ts", output: "" },
  ]);
});

test.each([
  ["a\n", "a\n", true],
  ["a\n", "a", true],
  ["a\n", "b\n", false],
  ["price: …\n", "price: expected a number\n", true],
  ["price: …\n", "price: 1\nmore\n", false],
  ["1 + 1 = 2", "1 + 1 = 2", true],
  ["a.c", "abc", false],
])("the expected output %j and the output %j: %s", (expected, actual, same) => {
  expect(matches(expected, actual)).toBe(same);
});
