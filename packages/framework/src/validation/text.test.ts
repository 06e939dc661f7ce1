import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Fields, Schema } from "./schema.ts";
import { readEntries, readNamed, readQuery, textRules } from "./text.ts";

describe("a query", () => {
  const rules = [
    textRules({
      a: z.string(),
      b: z.coerce.number().optional(),
      c: z.array(z.string()),
      d: z.array(z.coerce.number()),
    }),
    textRules(z.looseObject({})),
  ];

  test("is read as the URL Standard reads it, on both ways", () => {
    const piece = fc.oneof(
      fc.constantFrom("a", "b", "c", "d", "", "=", "&", "?", "%3F", "+", "__proto__", "x"),
      fc.string(),
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join("").replaceAll(/[#\t\n\r]/g, "")),
        (query) => {
          // Raw characters that URLSearchParams replaces are not in a URL.
          fc.pre(query.isWellFormed());
          for (const rule of rules) {
            // A URL ends before spaces, so the last field is not the last character.
            const { searchParams } = new URL(`http://localhost/?${query}&`);
            expect({ ...readQuery(query, rule) }).toEqual({ ...readEntries(searchParams, rule) });
          }
        },
      ),
    );
  });

  test("with percent-encoding or plus signs is decoded", () => {
    const rule = textRules({ a: z.string(), b: z.string() });
    expect(readQuery("a=%E5%A5%BD+x&b=%26", rule)).toEqual({ a: "好 x", b: "&" });
  });
});

describe("a field", () => {
  const read = (schema: Schema, query: string): unknown => {
    const values = readQuery(query, textRules({ a: schema })) as { readonly a?: unknown };
    return values.a;
  };
  const schemaOfNoLibrary: Schema = {
    "~standard": { version: 1, vendor: "x", validate: (value: unknown) => ({ value }) },
  };

  test.each<readonly [string, Schema, string, unknown]>([
    ["text keeps the empty text", z.string(), "a=", ""],
    ["text within optional and default keeps it", z.string().optional().default("x"), "a=", ""],
    ["a number treats the empty text as absent", z.coerce.number(), "a=", undefined],
    [
      "a number within default, nullable and catch does too",
      z.coerce.number().nullable().catch(1).default(2),
      "a=",
      undefined,
    ],
    ["a transform of text keeps it", z.string().transform(Number), "a=", ""],
    ["a preprocessed number treats it as absent", z.preprocess(Number, z.number()), "a=", undefined],
    ["z.stringbool() treats it as absent", z.stringbool(), "a=", undefined],
    ["a union with text keeps it", z.union([z.coerce.number(), z.literal("")]), "a=", ""],
    ["a union without text treats it as absent", z.union([z.coerce.number(), z.coerce.date()]), "a=", undefined],
    ["an enum keeps it", z.enum(["", "x"]), "a=", ""],
    ["a lazy schema is what it returns", z.lazy(() => z.coerce.number()), "a=", undefined],
    ["a single field takes the first value", z.string(), "a=1&a=2", "1"],
    ["an array takes every value", z.array(z.string()), "a=1&b=2&a=", ["1", ""]],
    ["an array of numbers leaves out the empty text", z.array(z.coerce.number()), "a=1&a=", ["1"]],
    ["a required array without a value is empty", z.array(z.string()), "b=1", []],
    ["an optional array without a value is absent", z.array(z.string()).optional(), "b=1", undefined],
    ["a schema of another library gets text", schemaOfNoLibrary, "a=1", "1"],
    ["a schema of another library gets an array of repeated values", schemaOfNoLibrary, "a=1&a=2&a=3", ["1", "2", "3"]],
  ])("of %s", (_title, schema, query, expected) => {
    expect(read(schema, query)).toEqual(expected);
  });

  test("takes as many values of one name as 1 MiB of content can hold", () => {
    // A copy of the values for each of them would take minutes.
    expect(read(schemaOfNoLibrary, "a=&".repeat(349_525))).toHaveLength(349_525);
  });

  test.each<readonly [string, Fields]>([
    ["z.boolean()", { a: z.boolean() }],
    ["z.coerce.boolean()", { a: z.coerce.boolean().optional() }],
    ["z.number()", { a: z.number().default(1) }],
    ["z.bigint()", { a: z.bigint() }],
    ["z.date()", z.object({ a: z.date() })],
    ["z.array(z.number())", { a: z.array(z.number()) }],
  ])("of %s is refused: no text matches it, or it reads text in a surprising way", (_title, fields) => {
    expect(() => textRules(fields)).toThrow(TypeError);
  });

  test("that a transform, a codec or a preprocess reads is not refused", () => {
    const fields = {
      a: z.preprocess(Number, z.number()),
      b: z.string().transform(Number).pipe(z.number()),
      c: z.stringbool(),
    };
    expect(() => textRules(fields)).not.toThrow();
  });
});

test("headers and cookies are asked for the names of the schema only", () => {
  const asked: string[] = [];
  const source = {
    get: (name: string) => {
      asked.push(name);
      return name === "x-a" ? "1" : null;
    },
    *[Symbol.iterator](): Generator<[string, string]> {
      yield ["x-a", "1"];
      yield ["x-b", "2"];
    },
  };
  expect(readNamed(source, textRules({ "x-a": z.string(), "x-c": z.string().optional() }))).toEqual({ "x-a": "1" });
  expect(asked).toEqual(["x-a", "x-c"]);
  expect({ ...readNamed(source, textRules(z.looseObject({}))) }).toEqual({ "x-a": "1", "x-b": "2" });
});
