/**
 * Schemas as checks. A record of zod schemas becomes one `z.object`; `z.compile` turns it into one function when the first
 * value comes (0.15 ms a schema, which an application of many routes should not pay at its start). Other Standard Schemas go
 * by `~standard.validate`.
 */
import type { Awaitable } from "@tsgi/gateway-spec";
import * as z from "zod";
import { isThenable } from "../thenable.ts";
import { isSchema, type Fields, type Schema } from "./schema.ts";
import { defOf, isZod } from "./zod-def.ts";

/** A mistake in a value. */
export interface Mistake {
  /** Names and indexes with dots between: `items.0.price`. Empty for the value as a whole. */
  readonly field: string;
  /** A sentence of the schema. It does not repeat the value. */
  readonly message: string;
}

export type Checked = { readonly value: unknown } | { readonly mistakes: readonly Mistake[] };

/** Checks a value. The result is a promise only where a schema is asynchronous. */
export type Check = (value: unknown) => Awaitable<Checked>;

export function compileCheck(fields: Fields): Check {
  if (!isSchema(fields)) {
    const schemas = Object.values(fields);
    if (schemas.every((schema) => isZod(schema))) return zodCheck(z.object(fields as unknown as z.ZodRawShape));
    return recordCheck(fields);
  }
  return isZod(fields) ? zodCheck(fields) : standardCheck(fields);
}

function zodCheck(schema: z.core.$ZodType): Check {
  let compiled: z.core.$ZodType | undefined;
  let known: ReadonlySet<string> | undefined;
  let isAsync = false;
  const toChecked = (input: unknown, result: z.core.util.SafeParseResult<unknown>): Checked =>
    result.success
      ? { value: result.data }
      : { mistakes: toMistakes(input, result.error.issues, (known ??= namesIn(schema))) };
  return (value) => {
    compiled ??= z.compile(schema);
    if (!isAsync) {
      try {
        return toChecked(value, z.safeParse(compiled, value));
      } catch {
        // An asynchronous refinement throws $ZodAsyncError here, an asynchronous transform a TypeError within zod 4.6. Another
        // error is thrown again below.
      }
    }
    return z.safeParseAsync(compiled, value).then((result) => {
      isAsync = true;
      return toChecked(value, result);
    });
  };
}

/** What `~standard.validate` gives. */
type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

function standardCheck(schema: Schema): Check {
  const validate = schema["~standard"].validate as (value: unknown) => Awaitable<StandardResult>;
  return (value) => {
    const result = validate(value);
    const toChecked = (settled: StandardResult): Checked =>
      settled.issues === undefined ? { value: settled.value } : { mistakes: toMistakes(value, settled.issues, null) };
    return isThenable(result) ? Promise.resolve(result).then(toChecked) : toChecked(result);
  };
}

/** A check for each field, for schemas of several libraries in one record. */
function recordCheck(fields: Readonly<Record<string, Schema>>): Check {
  const checks = Object.entries(fields).map(([name, schema]) => [name, compileCheck(schema)] as const);
  return (value) => {
    const record = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
    const results = checks.map(([name, check]) => [name, check(record[name])] as const);
    if (results.some(([, result]) => isThenable(result))) {
      return Promise.all(results.map(async ([name, result]) => [name, await result] as const)).then(joinResults);
    }
    return joinResults(results as (readonly [string, Checked])[]);
  };
}

function joinResults(results: readonly (readonly [string, Checked])[]): Checked {
  const mistakes = results.flatMap(([name, result]) =>
    "mistakes" in result
      ? result.mistakes.map(({ field, message }) => ({ field: field === "" ? name : `${name}.${field}`, message }))
      : [],
  );
  if (mistakes.length > 0) return { mistakes };
  return { value: Object.fromEntries(results.map(([name, result]) => [name, "value" in result && result.value])) };
}

/** Mistakes that are listed: 1 MiB of content may have 350,000, and their list 30 MB. */
const MAX_MISTAKES = 100;

function toMistakes(
  input: unknown,
  issues: readonly (z.core.$ZodIssue | StandardIssue)[],
  known: ReadonlySet<string> | null,
): readonly Mistake[] {
  return issues.slice(0, MAX_MISTAKES).map((issue) => toMistake(input, issue, known));
}

/**
 * A problem document must not repeat what the client sent: a name that the schema does not have becomes `*`, and a message that
 * holds the value is replaced.
 */
function toMistake(
  input: unknown,
  issue: z.core.$ZodIssue | StandardIssue,
  known: ReadonlySet<string> | null,
): Mistake {
  const path = (issue.path ?? []).map((step) => (typeof step === "object" ? step.key : step));
  const field = path.map((step) => {
    if (typeof step === "number") return String(step);
    const name = String(step);
    return known === null ? (IDENTIFIER.test(name) ? name : "*") : known.has(name) ? name : "*";
  });
  return { field: field.join("."), message: messageOf(input, path, issue) };
}

const IDENTIFIER = /^[A-Za-z_]\w{0,63}$/;

function messageOf(input: unknown, path: readonly PropertyKey[], issue: z.core.$ZodIssue | StandardIssue): string {
  if ("code" in issue && issue.code === "unrecognized_keys") return "Unknown field";
  const value = path.reduce<unknown>(
    (outer, step) =>
      typeof outer === "object" && outer !== null ? (outer as Record<PropertyKey, unknown>)[step] : undefined,
    input,
  );
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  const repeated = text.length >= 4 ? text : text === "" ? null : JSON.stringify(text);
  return repeated !== null && issue.message.includes(repeated) ? "Invalid value" : issue.message;
}

/** Every property name of a schema, at any depth. */
function namesIn(schema: z.core.$ZodType): ReadonlySet<string> {
  const names = new Set<string>();
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (isZod(value)) {
      const def = defOf(value) as z.core.$ZodTypeDef & { readonly shape?: object; readonly getter?: () => unknown };
      for (const name of Object.keys(def.shape ?? {})) names.add(name);
      if (def.type === "lazy") visit(def.getter?.());
      visit(def);
    } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype || "type" in value) {
      for (const member of Object.values(value)) visit(member);
    }
  };
  visit(schema);
  return names;
}
