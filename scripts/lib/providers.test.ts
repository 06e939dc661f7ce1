import { describe, expect, test } from "vitest";

import { CHROMIUM, GALERA, HAPROXY, MYSQL, NGINX, REDIS, chooseSource } from "./providers.ts";
import type { Means } from "./providers.ts";

describe.each([MYSQL, CHROMIUM, REDIS, GALERA, NGINX, HAPROXY])("the source of $title is", (need) => {
  const [program = ""] = need.programs;
  const everything: Means = {
    env: { [need.variable]: "given" },
    findProgram: (names) => (names.includes(program) ? `/usr/sbin/${program}` : null),
    installPrefix: () => Promise.resolve(["sudo", "apt-get"]),
  };
  const noVariable: Means = { ...everything, env: { CI: "true" } };
  const noProgram: Means = { ...noVariable, findProgram: () => null };
  const nothing: Means = { ...noProgram, installPrefix: () => Promise.resolve(null) };

  test.each<[string, Means, object]>([
    ["the environment variable, if it is set", everything, { kind: "given", value: "given" }],
    [
      "a program of the machine, if the variable is not set",
      noVariable,
      { kind: "program", path: `/usr/sbin/${program}` },
    ],
    [
      "a program of the machine, if the variable is empty",
      { ...noVariable, env: { [need.variable]: "" } },
      { kind: "program" },
    ],
    ["a Debian package, if there is no program", noProgram, { kind: "install", prefix: ["sudo", "apt-get"] }],
    ["missing, if nothing can be installed", nothing, { kind: "missing" }],
  ])("%s", async (_name, means, source) => {
    expect(await chooseSource(need, means)).toMatchObject(source);
  });

  if (need.startsService === true) {
    test("missing, where a package would start a service on the machine of a person", async () => {
      expect(await chooseSource(need, { ...noProgram, env: {} })).toMatchObject({ kind: "missing" });
    });
  }

  test("missing, with a message that says what to do", async () => {
    expect(await chooseSource(need, nothing)).toMatchObject({
      reason: expect.stringMatching(
        new RegExp(
          `^no .+: install Debian's ${need.debianPackages.join(" and ")}, or set ${need.variable}, such as ${need.example}$`,
        ),
      ) as unknown,
    });
  });
});
