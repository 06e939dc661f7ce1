/**
 * An application of 500 routes stays cheap to type-check. The measure is the number of type instantiations that tsc reports: it
 * is the same on every machine. About 390,000 of it are zod's own, for the schemas.
 */
import { expect, test } from "vitest";
import { compile } from "./compile.ts";

const ROUTES = 500;
const ROUTES_IN_A_MODULE = 50;
const BUDGET = 650_000;

/** The schemas of a route, half of them for GET and half for POST. */
function input(i: number): string {
  return i % 2 === 0
    ? `query: { page: z.coerce.number().default(1), q${i}: z.string().optional() }`
    : `json: z.object({ name: z.string().min(1), age${i}: z.number().int(), tags: z.array(z.string()) })`;
}

const response = (i: number) =>
  `response: z.object({ id: z.number(), name${i}: z.string(), items: z.array(z.object({ code: z.string(), price: z.number(), note: z.string().nullable() })) })`;
const result = (i: number) => `{ id: params.id, name${i}: "x", items: [{ code: "a", price: 1, note: null }] }`;
const read = (i: number) => (i % 2 === 0 ? "query.page" : "json.name");
const part = (i: number) => (i % 2 === 0 ? "query" : "json");
const method = (i: number) => (i % 2 === 0 ? "GET" : "POST");

/** A module of routes in each style. */
const STYLES: Readonly<Record<string, (numbers: readonly number[]) => string>> = {
  shorthands: (numbers) => `
    import { z } from "zod";
    import type { App } from "@tsgi/framework";
    export function add(app: App): void {
      ${numbers.map((i) => `app.${method(i).toLowerCase()}("/r${i}/:id", { params: { id: z.coerce.number() }, ${input(i)}, ${response(i)} }, ({ params, ${part(i)} }) => { void ${read(i)}; return ${result(i)}; });`).join("\n")}
    }`,
  values: (numbers) => `
    import { z } from "zod";
    import { type App, route } from "@tsgi/framework";
    ${numbers.map((i) => `export const r${i} = route("${method(i)} /r${i}/:id<int>", { ${input(i)}, ${response(i)} });`).join("\n")}
    export function add(app: App): void {
      ${numbers.map((i) => `app.on(r${i}, ({ params, ${part(i)} }) => { void ${read(i)}; return ${result(i)}; });`).join("\n")}
    }`,
  decorators: (numbers) => `
    import { z } from "zod";
    import { on, route, type Context } from "@tsgi/framework";
    ${numbers.map((i) => `const r${i} = route("${method(i)} /r${i}/:id<int>", { ${input(i)}, ${response(i)} });`).join("\n")}
    export class Pages {
      ${numbers.map((i) => `@on(r${i}) h${i}({ params, ${part(i)} }: Context<typeof r${i}>) { void ${read(i)}; return ${result(i)}; }`).join("\n")}
    }`,
};

test.each(Object.keys(STYLES))(
  `an application of ${ROUTES} routes as %s takes at most ${BUDGET} instantiations`,
  async (style) => {
    const modules = Array.from({ length: ROUTES / ROUTES_IN_A_MODULE }, (_, m) => {
      const numbers = Array.from({ length: ROUTES_IN_A_MODULE }, (_, i) => m * ROUTES_IN_A_MODULE + i);
      return [`module${m}.ts`, STYLES[style]?.(numbers) ?? ""] as const;
    });
    const { instantiations } = await compile(Object.fromEntries(modules));
    expect(instantiations).toBeGreaterThan(100_000);
    expect(instantiations).toBeLessThanOrEqual(BUDGET);
  },
);
