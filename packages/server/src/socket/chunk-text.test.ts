import { expect, test } from "vitest";
import { chunkText } from "./chunk-text.ts";

test("a chunk has the length and the text of its content, whatever the chunk before it was", () => {
  const contents = ["a", "a", "b", "a", "x".repeat(5000), "a", "x".repeat(5000)];
  const chunks = ["1\r\na", "1\r\na", "1\r\nb", "1\r\na", `1388\r\n${"x".repeat(5000)}`];
  chunks.push("1\r\na", `1388\r\n${"x".repeat(5000)}`);
  expect(contents.map(chunkText)).toEqual(chunks.map((chunk) => `${chunk}\r\n`));
});
