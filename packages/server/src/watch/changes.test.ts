import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Changes, type Effect, versionOf } from "./changes.ts";

const root = mkdtempSync(join(tmpdir(), "tsgi-changes-"));
afterAll(() => rmSync(root, { recursive: true }));

function file(name: string, content = ""): string {
  const path = join(root, name);
  writeFileSync(path, content);
  return path;
}

test.each<[string, Effect, Effect]>([
  ["views/index.html", "reload", "restart"],
  ["views/index.eta", "reload", "restart"],
  ["static/app.js", "reload", "restart"],
  ["static/logo.svg", "reload", "restart"],
  ["static/style.css", "styles", "restart"],
  [".env", "restart", "restart"],
  [".env.local", "restart", "restart"],
  [".envrc", "none", "none"],
  ["sql", "restart", "restart"],
  ["sql/schema.sql", "restart", "restart"],
  ["sqlite/schema.sql", "none", "restart"],
  ["other.ts", "none", "restart"],
  ["data.json", "none", "restart"],
  ["stock.db", "none", "none"],
  ["stock.db-wal", "none", "none"],
  ["app.log", "none", "none"],
  ["app.ts~", "none", "none"],
])("a change of %s means %s, and %s where the application does not run", (name, serving, failed) => {
  const changes = new Changes(["/app/sql"]);
  changes.loaded("/app/app.ts");
  expect([changes.effectOf(`/app/${name}`, true), changes.effectOf(`/app/${name}`, false)]).toEqual([serving, failed]);
});

describe("a file that the application has loaded", () => {
  test("restarts it where the file differs from what was loaded", () => {
    const changes = new Changes([]);
    const path = file("app.ts", "1");
    changes.loaded(path);
    expect(changes.effectOf(path, true)).toBe("none");
    writeFileSync(path, "22");
    expect(changes.effectOf(path, true)).toBe("restart");
    changes.loaded(path);
    utimesSync(path, 1, 1);
    expect(changes.effectOf(path, true)).toBe("restart");
    changes.loaded(path);
    renameSync(file("app.ts.new", "22"), path);
    expect(changes.effectOf(path, true)).toBe("restart");
    changes.loaded(path);
    rmSync(path);
    expect(changes.effectOf(path, true)).toBe("restart");
  });

  test("restarts it where the file changed before its load was reported", () => {
    const changes = new Changes([]);
    const path = file("read.ts", "1");
    const version = versionOf(path);
    writeFileSync(path, "22");
    changes.loaded(path, version);
    expect(changes.effectOf(path, true)).toBe("restart");
  });

  test("restarts it whatever its name says, until another process starts", () => {
    const changes = new Changes([]);
    const [path, other] = [file("rendered-on-the-server.js"), file("other.ts")];
    changes.loaded(path);
    writeFileSync(path, "2");
    expect(changes.effectOf(path, true)).toBe("restart");
    changes.forget();
    changes.loaded(other);
    expect(changes.effectOf(path, true)).toBe("reload");
  });
});

test("where the runtime does not report what it loads, code restarts the application", () => {
  const changes = new Changes([]);
  expect(["a.ts", "b.mjs", "c.html"].map((name) => changes.effectOf(name, true))).toEqual([
    "restart",
    "restart",
    "reload",
  ]);
});
