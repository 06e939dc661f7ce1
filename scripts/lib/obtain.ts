/** Obtains a program that tests need: it uses what the environment names or the machine has, or installs it. */
import { findProgram, installPackages, installPrefix } from "./machine.ts";
import { chooseSource, missing, type Need } from "./providers.ts";

/** The value of the need's environment variable, or the path of a program. */
export type Obtained =
  | { readonly kind: "given"; readonly value: string }
  | { readonly kind: "program"; readonly path: string };

/** @throws Error with the reason and what to do. */
export async function obtain(need: Need): Promise<Obtained> {
  const { env } = process;
  const find = (names: readonly string[]) => findProgram(names, env);
  const source = await chooseSource(need, { env, findProgram: find, installPrefix: () => installPrefix(env) });
  if (source.kind === "missing") throw new Error(source.reason);
  if (source.kind !== "install") return source;
  await installPackages(need.debianPackages, source.prefix, env);
  const path = find(need.programs);
  if (path === null) throw new Error(missing(need));
  return { kind: "program", path };
}
