import { readFileSync } from "node:fs";
import { validate } from "dockerfile-utils";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { DATABASES } from "./arguments.ts";
import { OLDEST_NODE } from "./node-version.ts";
import { PACKAGE_MANAGERS } from "./package-manager.ts";
import { type Choices, createFiles, selectLines } from "./template.ts";

const BOTH: Choices = { name: "shop", page: true, api: true, database: "sqlite", packageManager: "npm" };
const CONTENTS = [
  { page: true, api: true },
  { page: true, api: false },
  { page: false, api: true },
];
const CHOICES: readonly Choices[] = PACKAGE_MANAGERS.flatMap((packageManager) =>
  DATABASES.flatMap((database) =>
    CONTENTS.map(({ page, api }) => ({ name: "shop", page, api, database, packageManager })),
  ),
);

test("a mark at the end of a line is about the line, and one on a line of its own about the lines below", () => {
  const text = ["a // only: page", "b # only: yarn bun", "<!-- only: api -->", "c", "d", "", "-- only: page", "e", "f"];
  expect(selectLines(text.join("\n"), new Set(["page"]))).toBe("a\ne\nf");
  expect(selectLines(text.join("\n"), new Set(["api", "bun"]))).toBe("b\nc\nd\n");
});

test.each(CHOICES)(
  "no mark and no name of the template remains with page $page, api $api, $database, $packageManager",
  (choices) => {
    const files = createFiles(choices);
    for (const [path, content] of files) {
      expect(`${path}\n${content}`).not.toMatch(/only: |tsgi-app|_gitignore/);
      expect(content, path).toMatch(/[^\n]\n$/);
    }
    expect(files.has("src/pages.ts")).toBe(choices.page);
    expect(files.has("src/api.ts")).toBe(choices.api);
    expect(files.has("compose.yaml")).toBe(choices.database === "mysql");
    expect(files.has("pnpm-workspace.yaml")).toBe(choices.packageManager === "pnpm");
    expect([...files.keys()].filter((path) => path.startsWith("migrations/"))).toEqual([
      `migrations/0001-note.${choices.database}.sql`,
    ]);
  },
);

test.each(CHOICES)(
  "README.md links every source with page $page, api $api, $database, $packageManager, and nothing else",
  (choices) => {
    const files = createFiles(choices);
    const links = [...(files.get("README.md") ?? "").matchAll(/\]\((?!https:)([^)]+)\)/g)].map(([, link = ""]) => link);
    const unknown = links.filter((link) => ![...files.keys()].some((path) => path === link || path.startsWith(link)));
    expect(unknown).toEqual([]);
    const sources = [...files.keys()].filter((path) => path.startsWith("src/"));
    expect(sources.filter((source) => !links.includes(source))).toEqual([]);
  },
);

test("the README names the commands of the package manager", () => {
  expect(createFiles({ ...BOTH, packageManager: "pnpm" }).get("README.md")).toContain("| `pnpm run dev` |");
});

test("package.json has the packages that the choices need, with the versions of this package", () => {
  const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly devDependencies: Readonly<Record<string, string>>;
    readonly engines: object;
  };
  const read = (choices: Choices) =>
    JSON.parse(createFiles(choices).get("package.json") ?? "") as {
      readonly name: string;
      readonly engines: object;
      readonly dependencies: Readonly<Record<string, string>>;
      readonly devDependencies: Readonly<Record<string, string>>;
    };
  const both = read(BOTH);
  expect(both).toMatchObject({ name: "shop", engines: own.engines });
  expect(own.engines).toEqual({ node: `>=${OLDEST_NODE}` });
  expect(Object.values({ ...both.devDependencies, ...both.dependencies })).not.toContain(undefined);
  expect(own.devDependencies).toMatchObject({ ...both.devDependencies, ...both.dependencies });
  const page = read({ ...BOTH, api: false });
  expect(Object.keys(page.dependencies)).toEqual(["@tsgi/framework", "@tsgi/server", "zod"]);
  expect(Object.keys(both).filter((member) => !Object.hasOwn(page, member))).toEqual(["allowScripts", "scarfSettings"]);
});

test(".env has the settings of .env.example", () => {
  const files = createFiles(BOTH);
  const settings = (name: string) => files.get(name)?.match(/^\w+=.*$/gm);
  expect(settings(".env")).toEqual(settings(".env.example"));
  expect(files.get(".gitignore")).toContain("\n.env\n");
});

test.each(CHOICES)(
  "the Dockerfile is valid with page $page, api $api, $database, $packageManager, and copies every folder that is not built",
  (choices) => {
    const files = createFiles(choices);
    const dockerfile = files.get("Dockerfile") ?? "";
    expect(validate(dockerfile).map(({ message }) => message)).toEqual([]);
    const folders = new Set([...files.keys()].filter((path) => path.includes("/")).map((path) => path.split("/")[0]));
    const copied = new Set(Array.from(dockerfile.matchAll(/^COPY --from=build \/app\/(\S+)/gm), ([, name]) => name));
    expect([...folders].filter((name) => !copied.has(name))).toEqual(["src", "test"]);
  },
);

test("compose.yaml has the user and the databases that .env names", () => {
  const files = createFiles({ ...BOTH, database: "mysql" });
  const compose = parse(files.get("compose.yaml") ?? "") as {
    readonly services: { readonly database: { readonly environment: Readonly<Record<string, string>> } };
    readonly configs: Readonly<Record<string, { readonly content: string }>>;
  };
  const { environment } = compose.services.database;
  const urls = Array.from(files.get(".env")?.matchAll(/^\w+=(.*)$/gm) ?? [], ([, url = ""]) => new URL(url));
  expect(urls.map(({ username, password }) => [username, password])).toEqual(
    Array.from({ length: 2 }, () => [environment["MARIADB_USER"], environment["MARIADB_PASSWORD"]]),
  );
  const [database, forTests] = urls.map(({ pathname }) => pathname.slice(1));
  expect(database).toBe(environment["MARIADB_DATABASE"]);
  expect(compose.configs["test-database"]?.content).toContain(`CREATE DATABASE ${forTests} `);
});
