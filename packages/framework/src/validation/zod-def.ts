/** How a zod schema describes itself. `_zod.def` is its documented interface for library authors (https://zod.dev/library-authors). */
import type * as z from "zod";

export type ZodDef = z.core.$ZodTypeDef & {
  readonly innerType?: z.core.$ZodType;
  readonly coerce?: boolean;
};

export function isZod(schema: unknown): schema is z.core.$ZodType {
  return typeof schema === "object" && schema !== null && "_zod" in schema;
}

export function defOf(type: z.core.$ZodType): ZodDef {
  // oxlint-disable-next-line no-underscore-dangle -- the name is zod's
  return type._zod.def;
}
