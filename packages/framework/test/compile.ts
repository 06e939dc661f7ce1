/** Compiles programs as an application's author does, in a folder of their own. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "../../..");
const FRAMEWORK = join(import.meta.dirname, "..");

/**
 * @param files text by name.
 * @throws Error with what tsc prints, where they do not compile.
 */
export async function compile(files: Readonly<Record<string, string>>): Promise<{ readonly instantiations: number }> {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-types-"));
  try {
    const config = {
      extends: join(ROOT, "tsconfig.base.json"),
      compilerOptions: {
        noEmit: true,
        declaration: false,
        isolatedDeclarations: false,
        typeRoots: [join(ROOT, "node_modules/@types")],
        paths: {
          "@tsgi/framework": [join(FRAMEWORK, "src/index.ts")],
          "@tsgi/framework/*": [join(FRAMEWORK, "src/*/index.ts")],
          zod: [join(FRAMEWORK, "node_modules/zod/index.d.ts")],
        },
      },
      include: ["*.ts"],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const args = [tsc, "-p", folder, "--extendedDiagnostics", "--pretty", "false"];
    const { stdout } = await promisify(execFile)(process.execPath, args).catch(
      (error: { readonly stdout?: string }) => {
        throw new Error(`The program does not compile: ${error.stdout?.slice(0, 4000)}`);
      },
    );
    return { instantiations: Number(/^Instantiations:\s*(\d+)/m.exec(stdout)?.[1]) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
