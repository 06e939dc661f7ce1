/** Rows that a schema checks and converts. */
import { isThenable } from "../thenable.ts";
import type { Check, Checked } from "../validation/compile.ts";
import type { Schema } from "../validation/schema.ts";
import { DatabaseError } from "./errors.ts";

/** The rows as they are, or checked by the schema. What they are, the caller claims or the schema ensures. */
export function typedRows(rows: Promise<readonly unknown[]>, schema: Schema | undefined): Promise<readonly never[]> {
  return (schema === undefined ? rows : parseRows(rows, schema)) as Promise<readonly never[]>;
}

/** The same for a stream. */
export function typedStream(
  rows: AsyncIterableIterator<unknown>,
  schema: Schema | undefined,
): AsyncIterableIterator<never> {
  return (schema === undefined ? rows : parseStream(rows, schema)) as AsyncIterableIterator<never>;
}

async function parseRows(promise: Promise<readonly unknown[]>, schema: Schema): Promise<readonly unknown[]> {
  const rows = await promise;
  const check = await checkOf(schema);
  const parsed: unknown[] = [];
  for (const [index, row] of rows.entries()) {
    const checked = check(row);
    // Most schemas need no promise.
    parsed.push(valueOf(isThenable(checked) ? await checked : checked, index));
  }
  return parsed;
}

async function* parseStream(rows: AsyncIterable<unknown>, schema: Schema): AsyncGenerator<unknown, void> {
  const check = await checkOf(schema);
  let index = 0;
  for await (const row of rows) yield valueOf(await check(row), index++);
}

const CHECKS = new WeakMap<Schema, Check>();

async function checkOf(schema: Schema): Promise<Check> {
  const kept = CHECKS.get(schema);
  if (kept !== undefined) return kept;
  // Only a program that uses schemas loads their library.
  const { compileCheck } = await import("../validation/compile.ts");
  const check = compileCheck(schema);
  CHECKS.set(schema, check);
  return check;
}

function valueOf(checked: Checked, index: number): unknown {
  if ("value" in checked) return checked.value;
  const mistakes = checked.mistakes.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
  throw new DatabaseError("DATABASE_ROW_INVALID", `Row ${index + 1} does not match its schema: ${mistakes.join("; ")}`);
}
