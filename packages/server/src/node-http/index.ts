/** The same application on node:http: node's parser and writer, our rules, limits and order of shutdown. */
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import type { NodeServeOptions } from "../options.ts";
import { SYSTEM_CLOCK } from "../runtime/clock.ts";
import { listen } from "./listen.ts";

export type { NodeServeOptions } from "../options.ts";

/**
 * Serves an application. Rejects with what its `startup` threw, or with node's error where it cannot listen (`EADDRINUSE`, …).
 * Options and defaults: {@link NodeServeOptions}. Where node:http leaves no choice it differs from the socket server: pipelined
 * requests run at the same time, and a client that closes its sending side is taken for gone.
 */
export function serve<State>(
  application: Application<State> | Handler,
  options: NodeServeOptions = {},
): Promise<Server> {
  return listen(application, options, SYSTEM_CLOCK);
}
