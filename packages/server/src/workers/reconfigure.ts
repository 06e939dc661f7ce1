/** Which options a reload takes over. */
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config.ts";

/** What the supervisor itself has opened: a change needs a restart. */
const FIXED = ["hostname", "port", "path", "fd", "opsHostname", "opsPort", "pidFile", "watch", "watchPath"] as const;

export interface Reconfigured {
  readonly config: Config;
  /** Options that differ in the new configuration, and keep their values until a restart. */
  readonly kept: readonly string[];
}

export function reconfigure(running: Config, next: Config): Reconfigured {
  const kept = FIXED.filter((name) => !isDeepStrictEqual(running[name], next[name]));
  return { config: { ...next, ...Object.fromEntries(FIXED.map((name) => [name, running[name]])) }, kept };
}
