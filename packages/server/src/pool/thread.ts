/** What a thread of a pool runs: an exported function of the user's module. */
import { importModule } from "../cli/import-module.ts";

export interface Task {
  readonly file: string;
  readonly name: string;
  readonly input: unknown;
}

export default async function run({ file, name, input }: Task): Promise<unknown> {
  const { [name]: called } = await importModule(file);
  if (typeof called !== "function") throw new TypeError(`${file} exports no function ${JSON.stringify(name)}`);
  return (called as (input: unknown) => unknown)(input);
}
