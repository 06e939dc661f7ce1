/** Which server `--server` chooses, and the options that it takes. */
import type { Serve } from "@tsgi/gateway-spec";
import type { Config } from "../config.ts";
import { DEFAULT_LIMITS, type SocketServeOptions } from "../options.ts";

type ServerKind = Exclude<Config["server"], "auto">;

/** `auto` is the server of the runtime where there is one for it. */
export function serverKind(choice: Config["server"]): ServerKind {
  if (choice !== "auto") return choice;
  const { bun, deno } = process.versions;
  if (bun !== undefined) return "bun";
  return deno === undefined ? "socket" : "deno";
}

/** The function of a server. One that does not take every option rejects those that have another value than the default. */
export async function importServe(kind: ServerKind): Promise<Serve<SocketServeOptions>> {
  switch (kind) {
    case "socket":
      return (await import("../socket/index.ts")).serve;
    case "node":
      return (await import("../node-http/index.ts")).serve;
    case "bun": {
      const { serve } = await import("../bun/index.ts");
      return (application, options) => serve(application, withoutDefaults(options));
    }
    case "deno": {
      const { serve } = await import("../deno/index.ts");
      return (application, options) => serve(application, withoutDefaults(options));
    }
    default:
      return kind satisfies never;
  }
}

/** The command gives every limit a value. */
function withoutDefaults(options: SocketServeOptions = {}): object {
  const limits: Readonly<Record<string, unknown>> = DEFAULT_LIMITS;
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => value !== limits[name]));
}
