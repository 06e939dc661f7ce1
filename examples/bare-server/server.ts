/** ../own-server with an exchange of its own in place of the kit's `NodeExchange`. */
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import { type OwnServeOptions, serve as serveOwn } from "../own-server/server.ts";
import { BareExchange } from "./exchange.ts";

export function serve<State>(application: Application<State> | Handler, options?: OwnServeOptions): Promise<Server> {
  return serveOwn(application, options, BareExchange);
}
