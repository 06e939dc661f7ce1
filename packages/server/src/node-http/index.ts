/**
 * The server on node:http and node:http2: node parses and writes; rules, limits and order of shutdown are those of the socket server.
 *
 * @module @tsgi/server/node
 */
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import type { NodeServeOptions } from "../options.ts";
import { SYSTEM_CLOCK } from "../runtime/clock.ts";
import { listen } from "./listen.ts";

export type { NodeServeOptions, SelfSignedOptions, TlsCertificate, TlsChoice, TlsOptions } from "../options.ts";
export type { ProxyOptions } from "../proxy/behind-proxies.ts";

/**
 * Serves an application. Options and defaults: {@link NodeServeOptions}. It rejects with what `startup` threw, with node's error if it
 * cannot listen (such as `EADDRINUSE`), and with an `OptionError` for an unknown option.
 *
 * Where node:http leaves no choice it differs from the socket server: pipelined requests run at the same time, and a client that
 * closes its sending side is disconnected at once.
 */
export function serve<State>(
  application: Application<State> | Handler,
  options: NodeServeOptions = {},
): Promise<Server> {
  return listen(application, options, SYSTEM_CLOCK);
}
