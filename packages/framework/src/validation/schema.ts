/** The seam to schema libraries: Standard Schema v1 (https://standardschema.dev), which zod, valibot and arktype implement. */

export interface Schema<Input = unknown, Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown, ...rest: never) => unknown;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The type that a schema takes: what a handler returns for `response`, what a client sends for the rest. */
export type InputOf<S> = S extends Schema<infer Input> ? Input : never;

/** The type that a schema gives: what a handler gets, what a client gets for `response`. */
export type OutputOf<S> = S extends Schema<unknown, infer Output> ? Output : never;

/** A schema for each status that a handler's result may have. */
export interface Responses {
  readonly [status: number]: Schema;
}

/** One schema for all fields, or one for each field. */
export type Fields = Schema | { readonly [name: string]: Schema };

export type FieldsOutput<F> = F extends Schema ? OutputOf<F> : { readonly [Name in keyof F]: OutputOf<F[Name]> };

type OptionalNames<F> = { [Name in keyof F]: undefined extends InputOf<F[Name]> ? Name : never }[keyof F];

export type FieldsInput<F> = F extends Schema
  ? InputOf<F>
  : { readonly [Name in Exclude<keyof F, OptionalNames<F>>]: InputOf<F[Name]> } & {
      readonly [Name in OptionalNames<F>]?: InputOf<F[Name]>;
    };

export function isSchema(value: unknown): value is Schema {
  return (typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value;
}

/** The schemas of a route's `response` with their statuses; `usual` is that of a single schema. */
export function schemasByStatus(
  response: Schema | Responses,
  usual: number,
): readonly (readonly [status: number, schema: Schema])[] {
  if (isSchema(response)) return [[usual, response]];
  return Object.entries(response as Readonly<Record<string, Schema>>).map(([key, schema]) => [Number(key), schema]);
}
