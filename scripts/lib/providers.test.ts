import { describe, expect, test } from "vitest";

import { CHROMIUM, MYSQL, chooseSource } from "./providers.ts";
import type { Means } from "./providers.ts";

describe.each([MYSQL, CHROMIUM])("$title comes", (need) => {
  const [program = ""] = need.programs;
  const everything: Means = {
    env: { [need.variable]: "given" },
    findProgram: (names) => (names.includes(program) ? `/usr/sbin/${program}` : null),
    installPrefix: () => Promise.resolve(["sudo", "apt-get"]),
  };
  const noVariable: Means = { ...everything, env: {} };
  const noProgram: Means = { ...noVariable, findProgram: () => null };
  const nothing: Means = { ...noProgram, installPrefix: () => Promise.resolve(null) };

  test.each<[string, Means, object]>([
    ["from the environment first", everything, { kind: "given", value: "given" }],
    ["else from a program on the machine", noVariable, { kind: "program", path: `/usr/sbin/${program}` }],
    ["not from an empty variable", { ...noVariable, env: { [need.variable]: "" } }, { kind: "program" }],
    ["else from Debian", noProgram, { kind: "install", prefix: ["sudo", "apt-get"] }],
    ["else not at all", nothing, { kind: "missing" }],
  ])("%s", async (_name, means, source) => {
    expect(await chooseSource(need, means)).toMatchObject(source);
  });

  test("with a message that says what to do", async () => {
    expect(await chooseSource(need, nothing)).toMatchObject({
      reason: expect.stringMatching(
        new RegExp(
          `^no .+: install Debian's ${need.debianPackages.join(" and ")}, or set ${need.variable}, such as ${need.example}$`,
        ),
      ) as unknown,
    });
  });
});
