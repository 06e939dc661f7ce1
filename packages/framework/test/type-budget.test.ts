/**
 * An application of 500 routes stays cheap to type-check. The measure is the number of type instantiations that tsc reports: it
 * is the same on every machine. About 390,000 of it are zod's own, for the schemas.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROUTES = 500;
const ROUTES_IN_A_MODULE = 50;
const BUDGET = 650_000;

const ROOT = join(import.meta.dirname, "../../..");
const FRAMEWORK = join(import.meta.dirname, "..");

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
    const folder = await mkdtemp(join(tmpdir(), "tsgi-types-"));
    try {
      const modules = ROUTES / ROUTES_IN_A_MODULE;
      for (let m = 0; m < modules; m += 1) {
        const numbers = Array.from({ length: ROUTES_IN_A_MODULE }, (_, i) => m * ROUTES_IN_A_MODULE + i);
        await writeFile(join(folder, `module${m}.ts`), STYLES[style]?.(numbers) ?? "");
      }
      const instantiations = await countInstantiations(folder);
      expect(instantiations).toBeGreaterThan(100_000);
      expect(instantiations).toBeLessThanOrEqual(BUDGET);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

/** @throws Error where the program does not compile. */
async function countInstantiations(folder: string): Promise<number> {
  const config = {
    extends: join(ROOT, "tsconfig.base.json"),
    compilerOptions: {
      noEmit: true,
      declaration: false,
      isolatedDeclarations: false,
      typeRoots: [join(ROOT, "node_modules/@types")],
      paths: {
        "@tsgi/framework": [join(FRAMEWORK, "src/index.ts")],
        zod: [join(FRAMEWORK, "node_modules/zod/index.d.ts")],
      },
    },
    include: ["*.ts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const args = [tsc, "-p", folder, "--extendedDiagnostics", "--pretty", "false"];
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error: { readonly stdout?: string }) => {
    throw new Error(`The generated application does not compile: ${error.stdout?.slice(0, 2000)}`);
  });
  return Number(/^Instantiations:\s*(\d+)/m.exec(stdout)?.[1]);
}
