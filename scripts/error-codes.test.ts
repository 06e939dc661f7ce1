/** The documents list the error codes of the packages, and no others. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const SOURCES = ["packages/{gateway-spec,server,framework}/src/**/*.ts"];
/** docs/errors.md, and the pages of the two families that it leaves out. */
const DOCUMENTS = ["docs/errors.md", "docs/server-behavior.md", "packages/gateway-spec/SPEC.md"];
/** Node's code, on an error that imitates node's. */
const NOT_OURS = new Set(["ECONNRESET"]);

test("every code is documented, every documented code exists", () => {
  const known = codesOfSources();
  // One code for each form in the sources: a union, a class with a single code, an HttpError of an application.
  expect(known).toEqual(expect.arrayContaining(["DATABASE_BUSY", "LINT_VIOLATION", "METHOD_NOT_ALLOWED"]));
  expect(codesOfDocuments()).toEqual(known);
});

test("docs/errors.md has the status of each body error and database error", async () => {
  const { BodyError } = await import("../packages/gateway-spec/src/body.ts");
  const { DatabaseError } = await import("../packages/framework/src/database/errors.ts");
  const rows = [...read("docs/errors.md").matchAll(/^\| `((?:BODY|DATABASE)_\w+)` \| (\d{3}) \|/gm)];
  expect(rows.length).toBeGreaterThan(10);
  for (const [, code = "", status] of rows) {
    const error = code.startsWith("BODY") ? new BodyError(code as never, "") : new DatabaseError(code as never, "");
    expect([code, error.status]).toEqual([code, Number(status)]);
  }
});

function codesOfSources(): readonly string[] {
  const codes = new Set<string>();
  for (const file of globSync(SOURCES, { cwd: ROOT })) {
    if (/\.test(-d)?\.ts$/.test(file)) continue;
    const text = read(file).replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
    const unions = [...text.matchAll(/^export type \w+ErrorCode =([^;]*);/gm)].map(([, union = ""]) => union);
    const written = [
      ...unions.join().matchAll(/"([A-Z_]+)"/g),
      ...text.matchAll(/\bcode(?: =|:) "([A-Z_]+)"/g),
      ...text.matchAll(/\b(?:new HttpError|super)\(\s*\w+,\s*"([A-Z_]+)"/g),
    ];
    for (const [, code = ""] of written) codes.add(code);
  }
  return [...codes].filter((code) => !NOT_OURS.has(code)).toSorted();
}

function codesOfDocuments(): readonly string[] {
  const codes = new Set<string>();
  for (const document of DOCUMENTS) {
    for (const [, code = ""] of read(document).matchAll(/^\| (?:\d{3} \| )?`([A-Z_]+)` \|/gm)) codes.add(code);
  }
  return [...codes].toSorted();
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
