/**
 * From text to values, for the parts of a request that are text: query, form, headers, cookies and path parameters.
 *
 * - A field that is not text treats `""` as absent: an empty input of a form is no 0.
 * - An array field takes every value of its name; where it is required and nothing was sent, it is empty.
 * - Any other field takes the first value of its name.
 *
 * The rules follow from the schema and are worked out once. For schemas of other libraries than zod a field is text, and an
 * array where the request repeats it.
 */
import type * as z from "zod";
import { isSchema, type Fields, type Schema } from "./schema.ts";
import { defOf, isZod } from "./zod-def.ts";

export interface TextRules {
  /** The fields of the schema; `null` where it does not tell. */
  readonly fields: ReadonlyMap<string, FieldRule> | null;
}

interface FieldRule {
  readonly name: string;
  /** `null`: what the request sends decides. */
  readonly array: boolean | null;
  readonly emptyIsAbsent: boolean;
  readonly absentIsEmptyArray: boolean;
}

/** @throws TypeError for a field that no text can match, or that reads text in a way that surprises. */
export function textRules(fields: Fields, integers?: ReadonlySet<string>): TextRules {
  const shape = isSchema(fields) ? shapeOf(fields) : fields;
  if (shape === null) return { fields: null };
  const rules = Object.entries(shape).map(([name, schema]) => {
    if (integers?.has(name) !== true) checkField(name, schema);
    return [name, ruleOf(name, schema)] as const;
  });
  return { fields: new Map(rules) };
}

/** The fields that a query or a form sends. */
export function readEntries(entries: Iterable<readonly [string, string]>, { fields }: TextRules): object {
  const values = newValues(fields);
  for (const [name, value] of entries) addValue(values, name, value, fields);
  return withEmptyArrays(values, fields);
}

/**
 * The fields of a query. Only a query with `%` or `+` needs `URLSearchParams`, which takes ten times as long; a test holds both
 * ways to one result.
 */
export function readQuery(query: string, rules: TextRules): object {
  if (/[%+]/.test(query)) return readEntries(toSearchParams(query), rules);
  const values = newValues(rules.fields);
  let start = 0;
  while (start < query.length) {
    const next = query.indexOf("&", start);
    const end = next === -1 ? query.length : next;
    if (end > start) {
      const equals = query.indexOf("=", start);
      const split = equals === -1 || equals > end ? end : equals;
      addValue(values, query.slice(start, split), query.slice(split + 1, Math.max(split + 1, end)), rules.fields);
    }
    start = end + 1;
  }
  return withEmptyArrays(values, rules.fields);
}

/** `URLSearchParams` removes a question mark in front of its text, which here is part of the first name: `/??a=1`. */
export function toSearchParams(query: string): URLSearchParams {
  return new URLSearchParams(query.startsWith("?") ? `?${query}` : query);
}

/** The fields of a source that has them by name, such as a header section. Without a list of fields, all that it has. */
export function readNamed(
  source: Iterable<readonly [string, string]> & { get(name: string): string | null | undefined },
  rules: TextRules,
): object {
  if (rules.fields === null) return readEntries(source, rules);
  const values = newValues(rules.fields);
  for (const name of rules.fields.keys()) {
    const value = source.get(name);
    if (value !== null && value !== undefined) addValue(values, name, value, rules.fields);
  }
  return withEmptyArrays(values, rules.fields);
}

/** Names that the client chooses go into an object without a prototype, which is slower. */
function newValues(fields: TextRules["fields"]): Record<string, unknown> {
  return fields === null || fields.has("__proto__") ? (Object.create(null) as Record<string, unknown>) : {};
}

function addValue(values: Record<string, unknown>, received: string, value: string, fields: TextRules["fields"]): void {
  const rule = fields === null ? ANY_FIELD : fields.get(received);
  // A name that the schema does not have is not looked at.
  if (rule === undefined || (value === "" && rule.emptyIsAbsent)) return;
  // The name of the rule is a constant, by which a property is found faster than by a piece of the query.
  const name = fields === null ? received : rule.name;
  const earlier = Object.hasOwn(values, name) ? values[name] : undefined;
  if (rule.array === true) {
    if (earlier === undefined) values[name] = [value];
    else (earlier as string[]).push(value);
  } else if (earlier === undefined) {
    values[name] = value;
  } else if (rule.array === null) {
    // In place: a copy for each value would take the square of their number.
    if (Array.isArray(earlier)) (earlier as string[]).push(value);
    else values[name] = [earlier, value];
  }
}

function withEmptyArrays(values: Record<string, unknown>, fields: TextRules["fields"]): object {
  if (fields !== null) {
    for (const [name, rule] of fields) if (rule.absentIsEmptyArray) values[name] ??= [];
  }
  return values;
}

const ANY_FIELD: FieldRule = { name: "", array: null, emptyIsAbsent: false, absentIsEmptyArray: false };

function ruleOf(name: string, schema: Schema): FieldRule {
  const type = innermost(schema);
  if (type === null) return { ...ANY_FIELD, name };
  const array = defOf(type).type === "array";
  const element = array ? innermost((defOf(type) as z.core.$ZodArrayDef).element) : type;
  return {
    name,
    array,
    emptyIsAbsent: element !== null && !TEXT_TYPES.has(defOf(element).type) && !isTextUnion(element),
    absentIsEmptyArray: array && type === (schema as unknown),
  };
}

/** Types for which the empty text is a value, or may be one. */
const TEXT_TYPES: ReadonlySet<string> = new Set([
  "string",
  "enum",
  "literal",
  "template_literal",
  "any",
  "unknown",
  "custom",
  "transform",
]);

function isTextUnion(type: z.core.$ZodType): boolean {
  if (defOf(type).type !== "union") return false;
  return (defOf(type) as z.core.$ZodUnionDef).options.some((option) => {
    const inner = innermost(option);
    return inner === null || TEXT_TYPES.has(defOf(inner).type);
  });
}

/** The type within `optional`, `default` and the like; of a pipe, the side that meets the text. `null` for other libraries. */
function innermost(schema: Schema | z.core.$ZodType): z.core.$ZodType | null {
  if (!isZod(schema)) return null;
  const def = defOf(schema);
  if (def.type === "pipe") {
    const pipe = def as z.core.$ZodPipeDef;
    const from = innermost(pipe.in);
    // z.preprocess() begins with a transform, and z.stringbool() is a string that becomes a boolean.
    const takesOutput = typeOf(from) === "transform" || typeOf(innermost(pipe.out)) === "boolean";
    return takesOutput ? innermost(pipe.out) : from;
  }
  if (def.type === "lazy") return innermost((def as z.core.$ZodLazyDef).getter());
  return def.innerType === undefined ? schema : innermost(def.innerType);
}

function typeOf(type: z.core.$ZodType | null): string | null {
  return type === null ? null : defOf(type).type;
}

/** Mistakes that would otherwise show as a 422 for every request, or as a wrong value. */
function checkField(name: string, schema: Schema): void {
  const type = innermost(schema);
  if (type === null) return;
  const def = defOf(type);
  if (def.type === "array") return checkField(name, (def as z.core.$ZodArrayDef).element);
  const coerce = def.coerce === true;
  if (def.type === "boolean") {
    if (isPipe(schema)) return;
    const problem = coerce ? 'z.coerce.boolean() reads "false" as true' : "z.boolean() matches no text";
    throw new TypeError(`"${name}" is text in a request, and ${problem}: use z.stringbool()`);
  }
  if (!coerce && (def.type === "number" || def.type === "bigint" || def.type === "date") && !isPipe(schema)) {
    throw new TypeError(
      `"${name}" is text in a request, and z.${def.type}() matches no text: use z.coerce.${def.type}()`,
    );
  }
}

/** Whether a pipe stands anywhere around the innermost type: then a transform or a codec reads the text. */
function isPipe(schema: Schema | z.core.$ZodType): boolean {
  if (!isZod(schema)) return false;
  const def = defOf(schema);
  if (def.type === "pipe") return true;
  return def.innerType !== undefined && isPipe(def.innerType);
}

function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | null {
  const type = innermost(schema);
  if (type === null || defOf(type).type !== "object") return null;
  const { shape, catchall } = defOf(type) as z.core.$ZodObjectDef;
  // A loose or strict object looks at every name.
  return catchall === undefined ? shape : null;
}
