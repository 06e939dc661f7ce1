/** JSON Schema (2020-12) of schemas, with named ones in one place for the whole document. */
import * as z from "zod";
import { isSchema, type Fields, type Schema } from "../validation/schema.ts";
import { defOf, isZod } from "../validation/zod-def.ts";

/** What a schema takes, for requests, or what it gives, for responses. */
export type Direction = "input" | "output";

/** A JSON Schema, or a part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

export interface FieldSchema {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/**
 * Converts schemas of one document. A schema with an id, `.meta({ id: "Stock" })`, becomes a component. Where what it takes and what
 * it gives differ, the former is named `StockInput`.
 */
export class SchemaConverter {
  readonly #components = new Map<string, JsonSchema>();

  /** The components so far, in the order of their names. */
  get components(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#components].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  convert(schema: Schema, direction: Direction): JsonSchema {
    // Other libraries have no common way to JSON Schema: `{}` allows everything, which is true.
    if (!isZod(schema)) return {};
    const { $schema: _, $defs = {}, ...rest } = toJsonSchema(schema, direction);
    const names = new Map<string, string>();
    for (const [id, definition] of Object.entries($defs)) names.set(id, this.#nameOf(id, definition, direction));
    for (const [id, definition] of Object.entries($defs)) {
      this.#components.set(names.get(id) ?? id, withReferences(definition, names));
    }
    return withReferences(rest, names);
  }

  /** The fields of a query, a form, headers, cookies or a path, each with its schema. */
  fields(fields: Fields, direction: Direction): readonly FieldSchema[] {
    const whole = isSchema(fields) ? fields : recordOf(fields);
    const { properties, required } = this.#resolve(this.convert(whole, direction));
    if (typeof properties !== "object" || properties === null) return [];
    const requiredNames = new Set(Array.isArray(required) ? (required as unknown[]) : []);
    return Object.entries(properties as Readonly<Record<string, JsonSchema>>).map(([name, schema]) => ({
      name,
      schema,
      isRequired: requiredNames.has(name),
    }));
  }

  /** The same name for the same schema, another one for what the other direction has made different. */
  #nameOf(id: string, definition: JsonSchema, direction: Direction): string {
    const candidates = direction === "output" ? [id, `${id}Output`] : [id, `${id}Input`];
    const text = JSON.stringify(definition);
    const name = candidates.find((one) => {
      const known = this.#sources.get(one);
      return known === undefined || known === text;
    });
    if (name === undefined) {
      throw new TypeError(`Two different schemas have the id "${id}": give each one its own in .meta({ id })`);
    }
    this.#sources.set(name, text);
    return name;
  }

  /** Each component as it was before its references were renamed. */
  readonly #sources = new Map<string, string>();

  #resolve(schema: JsonSchema): JsonSchema {
    const { $ref } = schema;
    return typeof $ref === "string" ? (this.#components.get($ref.slice(COMPONENTS.length)) ?? {}) : schema;
  }
}

const COMPONENTS = "#/components/schemas/";
const DEFINITIONS = "#/$defs/";

function toJsonSchema(
  schema: z.core.$ZodType,
  io: Direction,
): JsonSchema & { readonly $defs?: Record<string, JsonSchema> } {
  return z.toJSONSchema(schema, {
    io,
    // A transform or a bigint has no JSON: the document then allows everything, and the check at run time decides.
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (defOf(zodSchema).type === "date") Object.assign(jsonSchema, { type: "string", format: "date-time" });
      delete jsonSchema.id;
    },
  }) as JsonSchema;
}

/** Fields of other libraries are left without a schema of their own. */
function recordOf(fields: Readonly<Record<string, Schema>>): Schema {
  const shape = Object.entries(fields).map(([name, schema]) => [name, isZod(schema) ? schema : z.unknown()] as const);
  return z.object(Object.fromEntries(shape));
}

/** The schema with its references led to the components. */
function withReferences(value: JsonSchema, names: ReadonlyMap<string, string>): JsonSchema {
  const visit = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map((item) => visit(item));
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(
      Object.entries(part).map(([key, member]) => {
        if (key !== "$ref" || typeof member !== "string" || !member.startsWith(DEFINITIONS))
          return [key, visit(member)];
        const id = decodeURIComponent(member.slice(DEFINITIONS.length));
        return [key, COMPONENTS + (names.get(id) ?? id)];
      }),
    );
  };
  return visit(value) as JsonSchema;
}
