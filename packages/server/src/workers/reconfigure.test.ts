import { expect, test } from "vitest";
import { resolveConfig } from "../config.ts";
import { reconfigure } from "./reconfigure.ts";

const configOf = (values: Readonly<Record<string, unknown>>) =>
  resolveConfig([{ place: "test", values, describe: (name) => name }]).config;

test("a reload takes over all options but those of what is open, and names these", () => {
  const running = configOf({ port: 1, opsPort: 2, maxFields: 10, workers: 2 });
  const next = configOf({ port: 3, opsPort: 2, maxFields: 20, workers: 4, pidFile: "a" });
  const { config, kept } = reconfigure(running, next);
  expect(kept).toEqual(["port", "pidFile"]);
  expect(config).toEqual({ ...running, maxFields: 20, workers: 4 });
});

test("a reload without a change keeps nothing back", () => {
  const running = configOf({ static: ["/a=./a"] });
  expect(reconfigure(running, configOf({ static: ["/a=./a"] }))).toEqual({ config: running, kept: [] });
});
