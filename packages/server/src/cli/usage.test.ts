import { expect, test } from "vitest";
import { COMMAND_OPTIONS, OPTIONS } from "../config.ts";
import { helpText } from "./usage.ts";

test("the help has each option with its description on one line", () => {
  const lines = helpText(Number.POSITIVE_INFINITY).split("\n");
  for (const { flag, description } of [...OPTIONS, ...COMMAND_OPTIONS]) {
    expect(lines.filter((line) => line.includes(`${flag} `) && line.includes(description))).toHaveLength(1);
  }
});

test("the help wraps descriptions at the width of the terminal, and loses no word", () => {
  const text = helpText(100);
  const options = text.slice(text.indexOf("Application:"), text.indexOf("The command line takes"));
  for (const line of options.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  const words = (help: string) => help.split(/\s+/);
  expect(words(text)).toEqual(words(helpText(Number.POSITIVE_INFINITY)));
});
