/** SPEC.md, the lint's checks, the conformance cases, the error codes and the comments that cite rules are one text. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type CheckName, checks } from "./lint/index.ts";
import { exchangeErrorCodes } from "./lint/values.ts";

interface Rule {
  readonly id: string;
  readonly text: string;
  readonly lint: readonly string[];
  readonly cases: readonly string[];
}

const here = new URL("./", import.meta.url);
const spec = readFileSync(new URL("../SPEC.md", here), "utf8");
const rules = parse(spec);

describe("SPEC.md", () => {
  test("numbers its rules from 1, without a gap", () => {
    expect(rules.map((rule) => rule.id)).toEqual(rules.map((_rule, index) => `TSGI-${index + 1}`));
    expect(rules.length).toBeGreaterThan(50);
  });

  test("has no MUST outside of a rule but those of the words", () => {
    const outside = spec.split("\n\n").filter((paragraph) => !paragraph.startsWith("**TSGI-"));
    expect(
      outside.filter((paragraph) => paragraph.includes("MUST")).map((paragraph) => paragraph.slice(0, 20)),
    ).toEqual(["MUST, MUST NOT, SHOU", "Every rule with a MU"]);
  });

  test("names a check for each rule with a MUST", () => {
    const unchecked = rules.filter((rule) => rule.text.includes("MUST") && rule.lint.length + rule.cases.length === 0);
    expect(unchecked.map((rule) => rule.id)).toEqual([]);
  });

  test("explains each error code", () => {
    const explained = [...spec.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code = ""]) => code);
    expect(explained.toSorted()).toEqual(exchangeErrorCodes.toSorted());
  });
});

describe("lint", () => {
  test("has every check that SPEC.md names, and no other", () => {
    const named = new Set(rules.flatMap((rule) => rule.lint));
    expect([...named].toSorted()).toEqual(Object.keys(checks).toSorted());
  });

  test.each(Object.keys(checks) as CheckName[])("%s cites a rule that names it", (check) => {
    expect(rules.find((rule) => rule.id === checks[check].rule)?.lint).toContain(check);
  });
});

test("comments cite rules that exist", () => {
  const known = new Set(rules.map((rule) => rule.id));
  for (const file of globSync("**/*.ts", { cwd: import.meta.dirname })) {
    const cited = readFileSync(new URL(file, here), "utf8").match(/TSGI-\d+/g) ?? [];
    expect(cited.filter((id) => !known.has(id)).map((id) => `${file}: ${id}`)).toEqual([]);
  }
});

if (existsSync(new URL("conformance/index.ts", here))) {
  describe("the conformance kit", async () => {
    const kit = (await import(new URL("conformance/index.ts", here).href)) as {
      readonly cases: readonly { readonly name: string; readonly rules: readonly string[] }[];
    };

    test("has every case that SPEC.md names, and no other", () => {
      const named = new Set(rules.flatMap((rule) => rule.cases));
      expect(kit.cases.map((entry) => entry.name).toSorted()).toEqual([...named].toSorted());
    });

    test("each case cites the rules that name it", () => {
      const cited = kit.cases.map((entry) => [entry.name, entry.rules.toSorted()]);
      const naming = kit.cases.map((entry) => [
        entry.name,
        rules
          .filter((rule) => rule.cases.includes(entry.name))
          .map((rule) => rule.id)
          .toSorted(),
      ]);
      expect(cited).toEqual(naming);
    });
  });
}

function parse(markdown: string): readonly Rule[] {
  return markdown
    .split("\n\n")
    .filter((paragraph) => paragraph.startsWith("**TSGI-"))
    .map((paragraph) => {
      const [, id = "", text = "", named = ""] =
        /^\*\*(TSGI-\d+)\.\*\* ([^]*?)(?:\n— \*([^*]+)\*)?$/.exec(paragraph.trimEnd()) ?? [];
      const names = (kind: string) =>
        (new RegExp(`${kind}: ([^;]+)`).exec(named)?.[1] ?? "")
          .split(",")
          .map((name) => name.trim())
          .filter((name) => name !== "");
      return { id, text, lint: names("lint"), cases: names("case") };
    });
}
