/**
 * The socket server: HTTP/1.1 over raw TCP sockets, on our own codec.
 *
 * @module @tsgi/server/socket
 */
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import type { SocketServeOptions } from "../options.ts";
import { listen } from "./listen.ts";

export type { SocketServeOptions, SelfSignedOptions, TlsCertificate, TlsChoice, TlsOptions } from "../options.ts";
export type { ProxyOptions } from "../proxy/behind-proxies.ts";

/**
 * Serves an application. Rejects with what its `startup` threw, or with node's error where it cannot listen (`EADDRINUSE`, …).
 * Options and defaults: {@link SocketServeOptions}.
 */
export function serve<State>(
  application: Application<State> | Handler,
  options: SocketServeOptions = {},
): Promise<Server> {
  return listen(application, options);
}
