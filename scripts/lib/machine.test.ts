import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { findProgram, installPackages, installPrefix, run } from "./machine.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-machine-"));
  await script("first/tool-a", "exit 0");
  await script("second/tool-a", "exit 0");
  await script("second/tool-b", "exit 0");
  await writeFile(join(folder, "first/tool-c"), "not executable");
  await mkdir(join(folder, "first/tool-d"));
});
afterAll(() => rm(folder, { recursive: true }));

async function script(path: string, body: string): Promise<string> {
  const file = join(folder, path);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

const pathOf = (...names: string[]) => ({ PATH: names.map((name) => join(folder, name)).join(delimiter) });

test.each([
  ["the first folder takes precedence", ["tool-a"], "first/tool-a"],
  ["the first name takes precedence", ["tool-b", "tool-a"], "second/tool-b"],
  ["a later name is found if the first is missing", ["tool-x", "tool-b"], "second/tool-b"],
  ["a file that is not executable is ignored", ["tool-c"], null],
  ["a folder is ignored", ["tool-d"], null],
])("findProgram: %s", (_name, names, path) => {
  expect(findProgram(names, pathOf("first", "second"))).toBe(path === null ? null : join(folder, path));
});

test("run returns the output and the status of a program", async () => {
  const program = await script("run/both", "echo out; echo err >&2; exit 3");
  const { status, output } = await run(program, [], { env: process.env });
  expect(status).toBe(3);
  expect(output.split("\n").toSorted()).toEqual(["", "err", "out"]);
});

test("run returns 127 for a program that does not exist", async () => {
  expect(await run(join(folder, "nowhere"), [])).toMatchObject({ status: 127 });
});

test("installPrefix is null without apt-get", async () => {
  expect(await installPrefix(pathOf("first"))).toBeNull();
});

test("installPackages updates the index, then installs quietly and without recommendations", async () => {
  const log = join(folder, "apt.log");
  const aptGet = await script("apt/apt-get", `echo "$DEBIAN_FRONTEND $@" >> ${log}`);
  await installPackages(["some-package", "another"], [aptGet], process.env);
  const { output } = await run("/bin/cat", [log]);
  expect(output).toBe(
    "noninteractive update --quiet\nnoninteractive install --yes --quiet --no-install-recommends some-package another\n",
  );
});

test("installPackages quotes the output of a failed apt-get", async () => {
  const aptGet = await script("broken/apt-get", "echo 'E: Unable to locate package' >&2; exit 100");
  await expect(installPackages(["some-package", "another"], [aptGet], process.env)).rejects.toThrow(
    /could not install some-package and another:\nE: Unable to locate package$/,
  );
});
