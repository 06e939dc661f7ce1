import { expect, test } from "vitest";
import { findSyntaxForTsx } from "./needs-tsx.ts";

test.each([
  ["decorators", "@controller class A {}"],
  ["decorators", "class A {\n  @get('/') home() {}\n}"],
  ["decorators", "class A { @get('/') home() {} }"],
  ["decorators", "class A { @(make()) home() {} }"],
  ["decorators", "export default @dec class {}"],
  ["decorators", "const x = 1; @dec class A {}"],
  ["decorators", "class A { #a; @dec accessor b = 1 }"],
  ["enums", "enum A { x }"],
  ["enums", "export const enum A { x }"],
  ["namespaces", "namespace A.B { export const x = 1 }"],
  ["parameter properties", "class A { constructor(private readonly a: string) {} }"],
  ["parameter properties", "class A {\n  constructor(\n    a: string,\n    readonly b: string,\n  ) {}\n}"],
  ["import assignments", 'import fs = require("fs")'],
  ["export assignments", "export = 1"],
])("finds %s in %j", (what, source) => {
  expect(findSyntaxForTsx("a.ts", source)).toBe(what);
});

test("JSX needs tsx by its extension", () => {
  expect(findSyntaxForTsx("a.tsx", "")).toBe("JSX");
});

test.each([
  "/**\n * @param a of it\n */\nfunction f(a: string) {}",
  "// @ts-expect-error -- a reason\nconst a = 1;",
  'const mail = "a@b.example"; const scoped = "@scope/name";',
  'import { x } from "@scope/name";',
  "declare enum A { x }\ndeclare namespace B { const x: 1 }",
  "type A = { enum: string; namespace: string }",
  "class A { constructor(a: string, b = 1) {} readonly c = 1; private d() {} }",
  "const module = { a: 1 };",
])("Node runs %j itself", (source) => {
  expect(findSyntaxForTsx("a.ts", source)).toBeNull();
});
