/**
 * What servers on node:http, node:https and node:http2 share: the exchange over node's `(req, res)`.
 *
 * @module @tsgi/gateway-spec/server-kit/node
 */
export { NodeExchange, type NodeHost } from "./exchange.ts";
